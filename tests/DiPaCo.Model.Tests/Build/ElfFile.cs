using System.Buffers.Binary;
using System.Text;

namespace DiPaCo.Model.Tests.Build;

/// <summary>Writes the smallest ELF file with symbols, their versions and the versions needed of one or more libraries.</summary>
internal sealed class ElfFile
{
    private const int Dynsym = 11, Strtab = 3, Versym = 0x6fffffff, Verneed = 0x6ffffffe;

    private readonly List<(string Library, string Version, ushort Index)> _needs = [];
    private readonly List<(string Name, ushort Version)> _symbols = [("", 0)];

    public ElfFile Needs(string library, string version, ushort index)
    {
        _needs.Add((library, version, index));
        return this;
    }

    public ElfFile Symbol(string name, ushort version)
    {
        _symbols.Add((name, version));
        return this;
    }

    public byte[] ToBytes()
    {
        MemoryStream strings = new();
        strings.WriteByte(0);
        byte[] symbols = new byte[24 * _symbols.Count];
        byte[] versions = new byte[2 * _symbols.Count];
        for (int i = 0; i < _symbols.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(symbols.AsSpan(24 * i), Add(strings, _symbols[i].Name));
            symbols[(24 * i) + 4] = 0x12; // global function
            BinaryPrimitives.WriteUInt16LittleEndian(versions.AsSpan(2 * i), _symbols[i].Version);
        }

        byte[] needs = VersionsNeeded(strings);
        byte[] names = strings.ToArray();

        // Section 0 is empty by definition; the strings are section 2.
        (int Type, byte[] Bytes, int Link)[] sections =
            [(0, [], 0), (Dynsym, symbols, 2), (Strtab, names, 0), (Versym, versions, 1), (Verneed, needs, 2)];
        const int headers = 64;
        byte[] file = new byte[headers + (64 * sections.Length) + sections.Sum(s => s.Bytes.Length)];
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]).CopyTo(file);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(0x28), headers);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x3a), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x3c), (ushort)sections.Length);
        int content = headers + (64 * sections.Length);
        for (int i = 0; i < sections.Length; i++)
        {
            Span<byte> header = file.AsSpan(headers + (64 * i), 64);
            BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)sections[i].Type);
            BinaryPrimitives.WriteUInt64LittleEndian(header[24..], (ulong)content);
            BinaryPrimitives.WriteUInt64LittleEndian(header[32..], (ulong)sections[i].Bytes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(header[40..], (uint)sections[i].Link);
            sections[i].Bytes.CopyTo(file, content);
            content += sections[i].Bytes.Length;
        }

        return file;
    }

    private byte[] VersionsNeeded(MemoryStream strings)
    {
        MemoryStream table = new();
        var libraries = _needs.GroupBy(n => n.Library).ToArray();
        for (int i = 0; i < libraries.Length; i++)
        {
            var entries = libraries[i].ToArray();
            byte[] bytes = new byte[16 * (1 + entries.Length)];
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, 1);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2), (ushort)entries.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Add(strings, libraries[i].Key));
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 16);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), i + 1 < libraries.Length ? (uint)bytes.Length : 0);
            for (int j = 0; j < entries.Length; j++)
            {
                Span<byte> entry = bytes.AsSpan(16 * (1 + j));
                BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], entries[j].Index);
                BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], Add(strings, entries[j].Version));
                BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], j + 1 < entries.Length ? 16u : 0);
            }

            table.Write(bytes);
        }

        return table.ToArray();
    }

    private static uint Add(MemoryStream strings, string text)
    {
        uint offset = (uint)strings.Length;
        strings.Write(Encoding.UTF8.GetBytes(text));
        strings.WriteByte(0);
        return offset;
    }
}
