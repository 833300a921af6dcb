namespace DiPaCo.Serving.Inference;

/// <summary>Receives what a step computed, on the thread that runs it. Spans are valid during the call only.</summary>
internal interface IStepSink
{
    /// <summary>The logits behind one position.</summary>
    /// <param name="slice">Index of the slice.</param>
    /// <param name="index">Index of the position in its slice.</param>
    /// <param name="logits">[V].</param>
    void Logits(int slice, int index, ReadOnlySpan<float> logits);

    /// <summary>The residual stream of one position behind the last block.</summary>
    /// <param name="slice">Index of the slice.</param>
    /// <param name="index">Index of the position in its slice.</param>
    /// <param name="hidden">[D].</param>
    void Hidden(int slice, int index, ReadOnlySpan<float> hidden);
}
