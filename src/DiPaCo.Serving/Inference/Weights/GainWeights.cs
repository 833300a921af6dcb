namespace DiPaCo.Serving.Inference;

/// <summary>The gain of the last norm.</summary>
/// <param name="gain">[D].</param>
internal sealed unsafe class GainWeights(float* gain)
{
    public float* Gain { get; } = gain;
}
