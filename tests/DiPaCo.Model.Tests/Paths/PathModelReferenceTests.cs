using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Tests.Reference;
using Xunit;

namespace DiPaCo.Model.Tests.Paths;

public sealed class PathModelReferenceTests
{
    private const int Length = 11;

    public static TheoryData<string> Variants => ["plain", "gelu", "untied", "grouped", "odd-head", "wide-head", "three-blocks"];

    [Theory]
    [MemberData(nameof(Variants))]
    public void LossesAndAllGradients_InFp32_AreThoseOfTheNaiveTransformer(string variant) => Compare(variant, ComputeType.Fp32, composed: false, Length, 2e-5);

    [Theory]
    [MemberData(nameof(Variants))]
    public void LossesAndAllGradients_InBf16_AreThoseOfTheNaiveTransformerWithinItsRounding(string variant) => Compare(variant, ComputeType.Bf16, composed: false, Length, 3e-2);

    [Theory]
    [MemberData(nameof(Variants))]
    public void LossesAndAllGradients_OfComposedKernels_AreThoseOfTheNaiveTransformer(string variant) => Compare(variant, ComputeType.Fp32, composed: true, Length, 2e-5);

    [Fact]
    public void ComposedKernelsInBf16_AreThoseOfTheNaiveTransformerWithinItsRounding() => Compare("plain", ComputeType.Bf16, composed: true, Length, 3e-2);

    [Theory]
    [InlineData("grouped", 70)]
    [InlineData("plain", 161)]
    [InlineData("grouped", 257)]
    public void SequencesOfSeveralAttentionTiles_AreThoseOfTheNaiveTransformer(string variant, int length) =>
        Compare(variant, ComputeType.Fp32, composed: false, length, 2e-5);

    [Theory]
    [InlineData("grouped")]
    [InlineData("odd-head")]
    [InlineData("wide-head")]
    public void SequencesOfSeveralAttentionTiles_InBf16_AreThoseOfTheNaiveTransformerWithinItsRounding(string variant) =>
        Compare(variant, ComputeType.Bf16, composed: false, length: 70, 5e-2);

    private static void Compare(string variant, ComputeType type, bool composed, int length, double tolerance)
    {
        TransformerShape shape = ShapeOf(variant);
        using PathModel model = SmallPath.Create(shape, new ComputeOptions { Type = type, HeadTokens = 9 }, composed);
        (int[] tokens, int[] targets) = SmallPath.Batch(2, length);
        double scale = 1.0 / targets.Count(target => target >= 0);

        double sum = model.Accumulate(tokens, targets, length, scale);
        float[] losses = new float[tokens.Length];
        model.EvaluateLosses(tokens, targets, length, losses);

        (double[] expectedLosses, _, Dictionary<string, double[]> expected) =
            new NaiveTransformer(shape, SmallPath.Parameters(model)).Run(tokens, targets, length, scale);
        Assert.InRange(SmallPath.Error(losses, expectedLosses), 0, tolerance);
        Assert.InRange(Math.Abs(sum - losses.Sum(loss => (double)loss)), 0, 1e-6 * sum);
        Dictionary<string, float[]> gradients = SmallPath.Gradients(model);
        Assert.Equal(expected.Keys.Order(), gradients.Keys.Order());
        Assert.All(expected, entry => Assert.True(
            SmallPath.Error(gradients[entry.Key], entry.Value) < tolerance,
            $"{entry.Key}: relative error {SmallPath.Error(gradients[entry.Key], entry.Value):G3}"));
    }

    private static TransformerShape ShapeOf(string variant) => variant switch
    {
        "gelu" => SmallPath.Shape with { Activation = Activation.Gelu },
        "untied" => SmallPath.Shape with { TiedEmbedding = false },
        "grouped" => SmallPath.Shape with { Heads = 4, KeyValueHeads = 2, HeadWidth = 8 },
        "odd-head" => SmallPath.Shape with { Heads = 2, KeyValueHeads = 1, HeadWidth = 24 },
        "wide-head" => SmallPath.Shape with { Heads = 1, KeyValueHeads = 1, HeadWidth = 80 },
        "three-blocks" => SmallPath.Shape with { Blocks = 3 },
        _ => SmallPath.Shape,
    };
}
