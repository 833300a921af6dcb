using System.Globalization;
using System.Numerics.Tensors;
using DiPaCo.Core.Configuration;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// The arithmetic of published versions that travel as differences: θ̂ ← θ̂ + decode(encode(θ − θ̂)). The difference is taken against
/// what was published, so that what an encoding leaves out comes with the next one, and errors do not add up.
/// </summary>
internal static class Published
{
    private const int PieceElements = 1 << 16;

    // As the codecs have it: far above any parameter, and far enough below the end of the range that no rounding leaves it.
    private const float Largest = 1e38f;

    /// <summary>Encodes θ − θ̂.</summary>
    /// <param name="codec">How; one that sends differences.</param>
    /// <param name="master">θ.</param>
    /// <param name="published">θ̂ as it was published last; afterwards of no use.</param>
    /// <exception cref="NonFiniteStepException">A parameter is not finite.</exception>
    public static byte[] Encode(DownloadCodec codec, ReadOnlySpan<float> master, Span<float> published)
    {
        IDeltaCodec encoder = codec == DownloadCodec.Int4 ? new Int4Codec() : new Int8Codec();
        byte[] encoded = new byte[encoder.BytesFor(master.Length)];
        TensorPrimitives.Negate(published, published);
        try
        {
            encoder.Encode(master, published, encoded);
        }
        catch (NonFiniteDeltaException exception)
        {
            throw new NonFiniteStepException(exception.Message);
        }

        return encoded;
    }

    /// <summary>θ̂ ← θ̂ + the decoded difference: the same additions wherever a version is built.</summary>
    /// <param name="published">θ̂ as it was published before.</param>
    /// <param name="delta">What <see cref="Encode"/> gave; closed at the end.</param>
    /// <exception cref="DeltaFormatException">It is damaged, hostile, or of another length.</exception>
    public static void Advance(Span<float> published, Stream delta)
    {
        using DeltaReader reader = new(delta, published.Length);
        float[] piece = new float[Math.Min(PieceElements, published.Length)];
        for (int first = 0; first < published.Length; first += PieceElements)
        {
            Span<float> part = published.Slice(first, Math.Min(PieceElements, published.Length - first));
            reader.Read(piece.AsSpan(0, part.Length));
            TensorPrimitives.Add(part, piece.AsSpan(0, part.Length), part);
        }
    }

    /// <summary>Rounding is for finite numbers.</summary>
    /// <exception cref="NonFiniteStepException">A parameter is none, or too large.</exception>
    public static void ThrowUnlessFinite(ReadOnlySpan<float> parameters)
    {
        float largest = TensorPrimitives.MaxMagnitude(parameters);
        if (!(Math.Abs(largest) <= Largest))
        {
            throw new NonFiniteStepException(string.Create(
                CultureInfo.InvariantCulture, $"A parameter is {largest}, expected a finite number of at most {Largest:0e0}. Lower the outer learning rate or momentum."));
        }
    }
}
