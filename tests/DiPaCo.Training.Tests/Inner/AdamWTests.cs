using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Model.Kernels.Composed;
using TorchSharp;
using Xunit;

namespace DiPaCo.Training.Tests.Inner;

public sealed class AdamWTests
{
    private const int Length = 16;

    private static TransformerShape Shape { get; } = new()
    {
        Vocabulary = 61, Blocks = 2, Width = 32, Heads = 2, KeyValueHeads = 1, HeadWidth = 16, FeedForward = 64,
    };

    private static AdamWOptions Options { get; } = new();

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.01, false)]
    [InlineData(0.01, true)]
    public void SeveralSteps_AreThoseOfTheNaiveOptimizer(double clip, bool composed)
    {
        using PathModel model = Create(ComputeType.Fp32, composed);
        using AdamW optimizer = new(model, Options with { ClipNorm = clip });
        NaiveAdamW naive = new(ToDouble(model, (p, id) => p.ParametersOf(id).ToArray()), Decays(model));

        for (int step = 0; step < 6; step++)
        {
            (int[] tokens, int[] targets) = Batch(step);
            double loss = model.Accumulate(tokens, targets, Length, 1.0 / tokens.Length) / tokens.Length;
            double expectedNorm = naive.Step(ToDouble(model, (p, id) => p.GradientsOf(id).ToArray()), 1e-2, Options.WeightDecay, clip);
            Assert.Equal(expectedNorm, optimizer.Step(1e-2, loss), 1e-6 * expectedNorm);
        }

        AssertNear(naive.Parameters, ToDouble(model, (p, id) => p.ParametersOf(id).ToArray()), 1e-5);
        AssertNear(naive.FirstMoments, Moments(model, optimizer, first: true), 1e-5);
        AssertNear(naive.SecondMoments, Moments(model, optimizer, first: false), 1e-5);
    }

    [Fact]
    public void Step_LeavesTheGradientZero_AndTheBf16CopyAsFreshAsACast()
    {
        using PathModel model = Create(ComputeType.Bf16);
        using AdamW optimizer = new(model, Options);
        (int[] tokens, int[] targets) = Batch(1);
        Train(model, optimizer, steps: 3);
        double copied = model.Accumulate(tokens, targets, Length, 1);

        Assert.All(ToDouble(model, (p, id) => p.ParametersOf(id).ToArray()), value => Assert.True(double.IsFinite(value)));
        ModuleId module = model.Parameters.Segments[0].Module;
        model.Parameters.Write(module, model.Parameters.ParametersOf(module).ToArray());
        Assert.Equal(copied, model.Accumulate(tokens, targets, Length, 1));

        model.Parameters.ClearGradients();
        model.Accumulate(tokens, targets, Length, 1);
        optimizer.Step(1e-3, 1);
        Assert.All(ToDouble(model, (p, id) => p.GradientsOf(id).ToArray()), value => Assert.Equal(0, value));
    }

    [Fact]
    public void AGradientThatIsNotFinite_StopsBeforeTheUpdate()
    {
        using PathModel model = Create(ComputeType.Fp32);
        using AdamW optimizer = new(model, Options);
        Train(model, optimizer, steps: 1);
        double[] before = ToDouble(model, (p, id) => p.ParametersOf(id).ToArray());
        (int[] tokens, int[] targets) = Batch(9);
        model.Accumulate(tokens, targets, Length, double.PositiveInfinity);

        DiPaCoException error = Assert.Throws<NonFiniteStepException>(() => optimizer.Step(1e-2, 4.5));

        Assert.Contains("Step 2 has loss 4.5 and gradient norm", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, ToDouble(model, (p, id) => p.ParametersOf(id).ToArray()));
        Assert.Equal(1, optimizer.Steps);
    }

    [Fact]
    public void MomentsWrittenBack_ContinueAsIfNothingHadHappened()
    {
        using PathModel whole = Create(ComputeType.Bf16);
        using AdamW wholeOptimizer = new(whole, Options);
        using PathModel resumed = Create(ComputeType.Bf16);
        using AdamW resumedOptimizer = new(resumed, Options);
        Train(whole, wholeOptimizer, steps: 3);
        foreach (ParameterSegment segment in whole.Parameters.Segments)
        {
            (float[] m, float[] v) = (new float[segment.Length], new float[segment.Length]);
            wholeOptimizer.ReadMoments(segment.Module, m, v);
            resumedOptimizer.WriteMoments(segment.Module, m, v);
            resumed.Parameters.Write(segment.Module, whole.Parameters.ParametersOf(segment.Module));
        }

        resumedOptimizer.Steps = wholeOptimizer.Steps;
        Train(whole, wholeOptimizer, steps: 3);
        Train(resumed, resumedOptimizer, steps: 3);

        Assert.Equal(ToDouble(whole, (p, id) => p.ParametersOf(id).ToArray()), ToDouble(resumed, (p, id) => p.ParametersOf(id).ToArray()));
    }

    [Fact]
    public void SavedAndLoaded_ItContinuesAsIfNothingHadHappened()
    {
        string file = Path.GetTempFileName();
        try
        {
            using PathModel whole = Create(ComputeType.Bf16);
            using AdamW wholeOptimizer = new(whole, Options);
            using PathModel resumed = Create(ComputeType.Bf16);
            using AdamW resumedOptimizer = new(resumed, Options);
            Train(whole, wholeOptimizer, steps: 3);
            Train(resumed, resumedOptimizer, steps: 1);
            using (FileStream stream = File.Create(file))
            {
                wholeOptimizer.Save(stream);
            }

            resumedOptimizer.Load(file);
            foreach (ParameterSegment segment in whole.Parameters.Segments)
            {
                using MemoryStream module = new();
                whole.Parameters.Save(segment.Module, module);
                File.WriteAllBytes(file, module.ToArray());
                resumed.Parameters.Load(segment.Module, file);
            }

            Assert.Equal(3, resumedOptimizer.Steps);
            Train(whole, wholeOptimizer, steps: 3);
            Train(resumed, resumedOptimizer, steps: 3);
            Assert.Equal(ToDouble(whole, (p, id) => p.ParametersOf(id).ToArray()), ToDouble(resumed, (p, id) => p.ParametersOf(id).ToArray()));

            // The file of a module is no optimizer's.
            Assert.Throws<SafeTensorsException>(() => resumedOptimizer.Load(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void ManySteps_LeaveNoTensorBehind()
    {
        using PathModel model = Create(ComputeType.Bf16);
        using AdamW optimizer = new(model, Options);
        Train(model, optimizer, steps: 1);
        long live = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

        Train(model, optimizer, steps: 1000);

        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Training_LowersTheLossOfABatchThatItSeesAgainAndAgain()
    {
        using PathModel model = Create(ComputeType.Bf16);
        using AdamW optimizer = new(model, Options);
        (int[] tokens, int[] targets) = Batch(0);
        double first = model.Accumulate(tokens, targets, Length, 1.0 / tokens.Length) / tokens.Length;
        double last = first;
        for (int step = 0; step < 60; step++)
        {
            optimizer.Step(1e-2, last);
            last = model.Accumulate(tokens, targets, Length, 1.0 / tokens.Length) / tokens.Length;
        }

        Assert.InRange(first, 3.8, 4.5);
        Assert.InRange(last, 0, 0.5);
    }

    private static void Train(PathModel model, AdamW optimizer, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            (int[] tokens, int[] targets) = Batch(step);
            optimizer.Step(1e-3, model.Accumulate(tokens, targets, Length, 1.0 / tokens.Length) / tokens.Length);
        }
    }

    private static PathModel Create(ComputeType type, bool composed = false)
    {
        PathModel model = new(
            Shape, ModelTopology.Dense(Shape).Modules, new ComputeOptions { Type = type }, composed ? new ComposedKernels(Shape, torch.CPU) : null);
        model.Parameters.Initialize(seed: 2);
        return model;
    }

    private static (int[] Tokens, int[] Targets) Batch(long seed)
    {
        RandomStream random = new(seed, "batch");
        int[] tokens = [.. Enumerable.Range(0, 4 * Length).Select(_ => random.NextInt32(Shape.Vocabulary))];
        return (tokens, [.. tokens.Skip(1), 0]);
    }

    private static double[] ToDouble(PathModel model, Func<PathParameters, ModuleId, float[]> read) =>
        [.. model.Parameters.Segments.SelectMany(segment => read(model.Parameters, segment.Module)).Select(value => (double)value)];

    private static bool[] Decays(PathModel model) =>
        [.. model.Parameters.Segments.SelectMany(s => Enumerable.Range(0, (int)s.Length).Select(i => i < s.DecayLength))];

    private static double[] Moments(PathModel model, AdamW optimizer, bool first) => ToDouble(model, (p, id) =>
    {
        long length = p.Segment(id).Length;
        (float[] m, float[] v) = (new float[length], new float[length]);
        optimizer.ReadMoments(id, m, v);
        return first ? m : v;
    });

    private static void AssertNear(double[] expected, double[] actual, double tolerance)
    {
        double difference = Math.Sqrt(expected.Zip(actual, (e, a) => (e - a) * (e - a)).Sum());
        Assert.InRange(difference, 0, tolerance * Math.Sqrt(expected.Sum(e => e * e)));
    }
}
