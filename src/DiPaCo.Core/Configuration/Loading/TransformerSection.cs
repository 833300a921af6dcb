namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>transformer</c>. What is not stated follows the proportions of the size, so that stating a width alone is enough.</summary>
internal static class TransformerSection
{
    private const int WidthStep = 32;
    private const int HeadWidthStep = 8;

    public static TransformerOptions Read(SectionReader section, SizeTable filled)
    {
        int width = section.Count("width", filled.Width, new Bounds(WidthStep, 65_536, WidthStep), "Width of the residual stream, D.");
        double attentionWidth = (double)filled.AttentionWidth * width / filled.Width;
        (int heads, int headWidth) = ReadHeads(section, filled, attentionWidth);
        int keyValueHeads = section.Count("key_value_heads", heads, new Bounds(1, 4_096), "Key and value heads; divides heads.");
        Activation activation = section.Word("activation", filled.Activation, "Feed-forward: swiglu (three matrices) or gelu (two).");

        // The usual widths: 4 D for two matrices, and 8/3 D for three, which is the same number of parameters.
        double ratio = activation == Activation.Gelu ? 4 : 8.0 / 3;
        int feedForward = (int)Math.Ceiling(width * ratio / WidthStep) * WidthStep;
        TransformerOptions options = new()
        {
            Width = width,
            Heads = heads,
            HeadWidth = headWidth,
            KeyValueHeads = keyValueHeads,
            Activation = activation,
            FeedForward = section.Count("feed_forward", feedForward, new Bounds(WidthStep, 1_048_576, WidthStep), "Inner width of the feed-forward, F."),
            TiedEmbedding = section.Flag("tied_embedding", true, "Whether a path's output matrix is its embedding matrix."),
            RopeBase = section.Number("rope_base", 10_000, new Interval(1, 1e9, OpenBelow: true), "Base of the rotary frequencies."),
            NormEpsilon = section.Number("norm_epsilon", 1e-5, new Interval(0, 1, OpenBelow: true), "Added to the mean square inside RMSNorm."),
            SequenceLength = section.Count("sequence_length", filled.SequenceLength, new Bounds(2, 1_048_576), "Tokens of a training sequence, T."),
            Compute = section.Word("compute", ComputeType.Bf16, "Arithmetic of the matrix products: bf16 or fp32; everything else is fp32."),
        };
        section.Finish();
        return options;
    }

    private static (int Heads, int HeadWidth) ReadHeads(SectionReader section, SizeTable filled, double attentionWidth)
    {
        Bounds headBounds = new(1, 4_096);
        Bounds widthBounds = new(HeadWidthStep, 1_024, HeadWidthStep);
        const string headsSummary = "Query heads; heads × head_width need not equal the width.";
        const string widthSummary = "Width of one head.";
        if (section.States("heads"))
        {
            int stated = section.Count("heads", Heads(filled.HeadWidth), headBounds, headsSummary);
            int fitting = (int)Math.Clamp(Math.Round(attentionWidth / stated / HeadWidthStep), 1, 128) * HeadWidthStep;
            return (stated, section.Count("head_width", fitting, widthBounds, widthSummary));
        }

        int headWidth = section.Count("head_width", filled.HeadWidth, widthBounds, widthSummary);
        return (section.Count("heads", Heads(headWidth), headBounds, headsSummary), headWidth);

        int Heads(int width) => (int)Math.Clamp(Math.Round(attentionWidth / width), 1, 4_096);
    }
}
