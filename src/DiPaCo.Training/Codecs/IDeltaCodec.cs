namespace DiPaCo.Training.Codecs;

/// <summary>
/// Writes down the delta of a module, with error feedback: what the bytes leave out is kept and comes on top of the next delta, so
/// that over time nothing is lost (Seide et al. 2014; Karimireddy et al. 2019).
/// </summary>
/// <remarks>The bytes depend on delta and residual alone. They say how they are to be read: <see cref="DeltaReader"/>.</remarks>
public interface IDeltaCodec
{
    /// <summary>The kind.</summary>
    DeltaEncoding Encoding { get; }

    /// <summary>The exact size of a delta of so many elements, header included.</summary>
    long BytesFor(int length);

    /// <summary>Writes down x = delta + residual as well as the encoding can, and leaves x − decoded in the residual.</summary>
    /// <param name="delta">The delta of this phase.</param>
    /// <param name="residual">What earlier phases left out, zeros at first; becomes what is left out now.</param>
    /// <param name="encoded"><see cref="BytesFor"/> bytes.</param>
    /// <exception cref="NonFiniteDeltaException">An element is not finite, or beyond 1e38. The residual is as it was.</exception>
    void Encode(ReadOnlySpan<float> delta, Span<float> residual, Span<byte> encoded);
}
