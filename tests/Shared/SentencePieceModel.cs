using System.Buffers.Binary;
using System.Text;

namespace DiPaCo.Tests;

/// <summary>Writes a small SentencePiece BPE model in its own (protobuf) format; compiled into the test assemblies that read one.</summary>
internal static class SentencePieceModel
{
    public static byte[] Write(bool byteFallback, bool removeExtraSpaces, bool dummyPrefix, string[] pieces, int withoutByte = -1)
    {
        var model = new MemoryStream();
        Piece(model, "<unk>", 0, type: 2);
        Piece(model, "<s>", 0, type: 3);
        Piece(model, "</s>", 0, type: 3);
        for (int value = 0; value < 256 && byteFallback; value++)
        {
            if (value != withoutByte)
            {
                Piece(model, $"<0x{value:X2}>", 0, type: 6);
            }
        }

        for (int i = 0; i < pieces.Length; i++)
        {
            Piece(model, pieces[i], -i, type: 1);
        }

        Message(model, 2, trainer =>
        {
            Number(trainer, 3, 2);
            Number(trainer, 35, byteFallback ? 1 : 0);
            Number(trainer, 40, 0);
            Number(trainer, 41, 1);
            Number(trainer, 42, 2);
        });
        Message(model, 3, normalizer =>
        {
            Text(normalizer, 1, "identity");
            Number(normalizer, 3, dummyPrefix ? 1 : 0);
            Number(normalizer, 4, removeExtraSpaces ? 1 : 0);
            Number(normalizer, 5, 1);
        });
        return model.ToArray();
    }

    private static void Piece(Stream model, string piece, float score, int type) => Message(model, 1, message =>
    {
        Text(message, 1, piece);
        Varint(message, (2 << 3) | 5);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, score);
        message.Write(bytes);
        Number(message, 3, type);
    });

    private static void Message(Stream to, int field, Action<Stream> write)
    {
        var inner = new MemoryStream();
        write(inner);
        Varint(to, (field << 3) | 2);
        Varint(to, (int)inner.Length);
        to.Write(inner.ToArray());
    }

    private static void Text(Stream to, int field, string text) => Message(to, field, inner => inner.Write(Encoding.UTF8.GetBytes(text)));

    private static void Number(Stream to, int field, int value)
    {
        Varint(to, field << 3);
        Varint(to, value);
    }

    private static void Varint(Stream to, int value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            to.WriteByte((byte)(value | 0x80));
        }

        to.WriteByte((byte)value);
    }
}
