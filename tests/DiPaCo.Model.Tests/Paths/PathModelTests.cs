using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Tests.Reference;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Paths;

public sealed class PathModelTests
{
    private const int Length = 24;

    public static TheoryData<ComputeType> Types => [ComputeType.Fp32, ComputeType.Bf16];

    [Theory]
    [InlineData(ComputeType.Fp32, 1e-6)]
    [InlineData(ComputeType.Bf16, 2e-2)]
    public void MicroBatches_GiveTheGradientOfOneBatch(ComputeType type, double tolerance)
    {
        (int[] tokens, int[] targets) = SmallPath.Batch(5, Length);
        using PathModel whole = SmallPath.Create(SmallPath.Shape, new ComputeOptions { Type = type });
        using PathModel parts = SmallPath.Create(SmallPath.Shape, new ComputeOptions { Type = type, MaxTokens = 2 * Length });

        double wholeLoss = whole.Accumulate(tokens, targets, Length, 0.01);
        double partsLoss = parts.Accumulate(tokens, targets, Length, 0.01);

        Assert.Equal(wholeLoss, partsLoss, wholeLoss * tolerance);
        Dictionary<string, float[]> expected = SmallPath.Gradients(whole);
        Assert.All(SmallPath.Gradients(parts), entry =>
            Assert.InRange(SmallPath.Error(entry.Value, expected[entry.Key].Select(value => (double)value)), 0, tolerance));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void AToken_ChangesNoLossBeforeIt(ComputeType type)
    {
        using PathModel model = SmallPath.Create(type);
        (int[] tokens, int[] targets) = SmallPath.Batch(2, Length);
        const int changed = 17;
        float[] before = Losses(model, tokens, targets);
        tokens[changed] = (tokens[changed] + 1) % SmallPath.Shape.Vocabulary;
        float[] after = Losses(model, tokens, targets);

        Assert.Equal(before[..changed], after[..changed]);
        Assert.Equal(before[Length..], after[Length..]);
        Assert.NotEqual(before[(changed + 1)..Length], after[(changed + 1)..Length]);
    }

    [Fact]
    public void Features_AreTheMeanOfTheNaiveHiddenStates_WhateverThePadding()
    {
        using PathModel model = SmallPath.Create(ComputeType.Fp32);
        (int[] tokens, int[] targets) = SmallPath.Batch(2, Length);
        int[] lengths = [9, 20];
        float[] features = model.FeaturesOf(tokens, Length, lengths);

        (_, double[][] hidden, _) = new NaiveTransformer(SmallPath.Shape, SmallPath.Parameters(model)).Run(tokens, targets, Length, 1);
        for (int b = 0; b < 2; b++)
        {
            IEnumerable<double> mean = Enumerable.Range(0, SmallPath.Shape.Width)
                .Select(d => Enumerable.Range(b * Length, lengths[b]).Average(m => hidden[m][d]));
            Assert.InRange(SmallPath.Error(features.AsSpan(b * SmallPath.Shape.Width, SmallPath.Shape.Width).ToArray(), mean), 0, 1e-5);
        }

        tokens.AsSpan(9, Length - 9).Clear();
        tokens.AsSpan(Length + 20).Clear();
        Assert.Equal(features, model.FeaturesOf(tokens, Length, lengths));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void NextTokenLogits_AreThoseThatTheLossIsMadeOf(ComputeType type)
    {
        using PathModel model = SmallPath.Create(type);
        (int[] tokens, _) = SmallPath.Batch(2, Length);
        int[] targets = [.. Enumerable.Repeat(-1, tokens.Length)];
        (targets[6], targets[Length + 23]) = (11, 12);
        float[] losses = Losses(model, tokens, targets);

        float[] logits = model.NextTokenLogits(tokens, Length, [7, 24]);

        double tolerance = type == ComputeType.Fp32 ? 1e-5 : 1e-2;
        Assert.Equal(losses[6], LossOf(logits.AsSpan(0, SmallPath.Shape.Vocabulary), 11), tolerance);
        Assert.Equal(losses[Length + 23], LossOf(logits.AsSpan(SmallPath.Shape.Vocabulary), 12), tolerance);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void ABatchWithoutTargets_HasNoLossAndNoGradient(ComputeType type)
    {
        using PathModel model = SmallPath.Create(type);
        (int[] tokens, _) = SmallPath.Batch(2, Length);

        Assert.Equal(0, model.Accumulate(tokens, [.. Enumerable.Repeat(-1, tokens.Length)], Length, 1));

        Assert.All(SmallPath.Gradients(model), entry => Assert.All(entry.Value, value => Assert.Equal(0, value)));
    }

    [Fact]
    public void APathOfSeveralModules_ComputesWhatTheDenseModelComputes()
    {
        using PathModel dense = SmallPath.Create(ComputeType.Bf16);
        TransformerShape shape = SmallPath.Shape;
        ModuleDefinition[] modules =
        [
            Module("a", shape, TransformerPart.Embedding),
            Module("b", shape, TransformerPart.OfBlock(0), TransformerPart.Head),
            Module("c", shape, TransformerPart.OfBlock(1)),
        ];
        using PathModel path = new(shape, modules, new ComputeOptions());
        Dictionary<string, float[]> values = SmallPath.Parameters(dense);
        foreach (ParameterSegment segment in path.Parameters.Segments)
        {
            float[] flat = new float[segment.Length];
            foreach (NamedTensor tensor in segment.Layout.Tensors)
            {
                values[tensor.Name].CopyTo(flat, tensor.Offset);
            }

            path.Parameters.Write(segment.Module, flat);
        }

        (int[] tokens, int[] targets) = SmallPath.Batch(3, Length);
        Assert.Equal(dense.Accumulate(tokens, targets, Length, 0.1), path.Accumulate(tokens, targets, Length, 0.1));
        Assert.Equal(SmallPath.Gradients(dense).OrderBy(entry => entry.Key), SmallPath.Gradients(path).OrderBy(entry => entry.Key));
    }

    [Fact]
    public void ModulesThatDoNotMakeUpTheTransformer_AreRefused()
    {
        TransformerShape shape = SmallPath.Shape;
        ModuleDefinition[] modules = [Module("a", shape, TransformerPart.Embedding, TransformerPart.OfBlock(0), TransformerPart.Head)];
        ArgumentException error = Assert.Throws<ArgumentException>(() => new PathModel(shape, modules, new ComputeOptions()));
        Assert.Contains("every part", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATokenOutsideTheVocabulary_IsRefused()
    {
        using PathModel model = SmallPath.Create(ComputeType.Fp32);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Accumulate([1, 53], [1, 1], 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Accumulate([1, 2], [1, -2], 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.FeaturesOf([1, -1], 2, [2]));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void ManyPasses_LeaveNoTensorBehind(ComputeType type)
    {
        using PathModel model = SmallPath.Create(type);
        (int[] tokens, int[] targets) = SmallPath.Batch(3, Length);
        float[] losses = new float[tokens.Length];
        Pass();
        long live = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

        for (int pass = 0; pass < 50; pass++)
        {
            Pass();
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);

        void Pass()
        {
            model.Accumulate(tokens, targets, Length, 1);
            model.EvaluateLosses(tokens.AsSpan(0, Length), targets.AsSpan(0, Length), Length, losses.AsSpan(0, Length));
            model.FeaturesOf(tokens, Length, [3, 4, 5]);
            model.NextTokenLogits(tokens, Length, [3, 4, 5]);
        }
    }

    [Fact]
    public void Dispose_ReleasesEveryTensor()
    {
        long live = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        (int[] tokens, int[] targets) = SmallPath.Batch(3, Length);
        using (PathModel model = SmallPath.Create(ComputeType.Bf16))
        {
            model.Accumulate(tokens, targets, Length, 1);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Initialize_GivesATensorTheSameValuesInWhateverModule_AndKeepsPaddingZero()
    {
        TransformerShape shape = SmallPath.Shape;
        using PathModel dense = new(shape, ModelTopology.Dense(shape).Modules, new ComputeOptions());
        using PathModel split = new(shape, [Module("a", shape, TransformerPart.Embedding, TransformerPart.OfBlock(1)), Module("b", shape, TransformerPart.OfBlock(0), TransformerPart.Head)], new ComputeOptions());
        dense.Parameters.Initialize(5);
        split.Parameters.Initialize(5);

        Dictionary<string, float[]> tensors = SmallPath.Parameters(dense);
        Assert.Equal(tensors.OrderBy(entry => entry.Key), SmallPath.Parameters(split).OrderBy(entry => entry.Key));
        Assert.Equal(0.02, Deviation(tensors[TensorNames.Qkv(0)]), 0.002);
        Assert.Equal(0.01, Deviation(tensors[TensorNames.Down(1)]), 0.001);
        Assert.All(tensors[TensorNames.FinalNorm], value => Assert.Equal(1, value));
        ParameterSegment segment = dense.Parameters.Segments[0];
        double inTensors = tensors.Values.Sum(values => values.Sum(value => (double)value));
        Assert.Equal(inTensors, dense.Parameters.ParametersOf(segment.Module).ToArray().Sum(value => (double)value), 1e-9 * Math.Abs(inTensors));
    }

    private static double Deviation(float[] values) => Math.Sqrt(values.Average(value => (double)value * value));

    private static ModuleDefinition Module(string name, TransformerShape shape, params TransformerPart[] parts) =>
        new(new ModuleId(name), ModuleLayout.Of(shape, parts), [new PathId(0)]);

    private static float[] Losses(PathModel model, int[] tokens, int[] targets)
    {
        float[] losses = new float[tokens.Length];
        model.EvaluateLosses(tokens, targets, Length, losses);
        return losses;
    }

    private static double LossOf(ReadOnlySpan<float> logits, int target)
    {
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit);
        }

        return Math.Log(sum) - logits[target];
    }
}
