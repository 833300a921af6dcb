using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;

namespace DiPaCo.Training.Benchmarking;

/// <summary>
/// Training steps (forward, backward, clipping, AdamW) of one shape on random tokens. Steps and matrix products are taken in turn,
/// so that whatever else the machine does meets both.
/// </summary>
public sealed class StepBenchmark : IDisposable
{
    private readonly PathModel _model;
    private readonly AdamW _optimizer;
    private readonly int[] _tokens;
    private readonly int[] _targets;
    private readonly int _length;

    /// <summary>Prepares a batch of <paramref name="sequences"/> × <paramref name="length"/> tokens.</summary>
    public StepBenchmark(TransformerShape shape, ComputeType type, int sequences, int length)
    {
        _length = length;
        _model = new PathModel(shape, ModelTopology.Dense(shape).Modules, new ComputeOptions { Type = type, MaxTokens = sequences * length });
        _model.Parameters.Initialize(seed: 1);
        _optimizer = new AdamW(_model, new AdamWOptions());
        RandomStream random = new(1, "benchmark-tokens");
        _tokens = [.. Enumerable.Range(0, sequences * length).Select(_ => random.NextInt32(shape.Vocabulary))];
        _targets = [.. _tokens.Skip(1), 0];
    }

    /// <summary>Model FLOPs of one step (<see cref="TransformerShape.TrainingFlopsPerToken"/>).</summary>
    public double Flops => _tokens.Length * _model.Shape.TrainingFlopsPerToken(_length);

    /// <summary>Parameters of the path.</summary>
    public long Parameters => _model.Parameters.Count;

    /// <summary>
    /// Pairs of one step and of products for as long as that step took. Both rates are averages over equal times: on a machine with other
    /// users the best of a few short products would be compared to a step that met the others.
    /// </summary>
    public static StepRatio Measure(TransformerShape shape, ComputeType type, int sequences, int length, int pairs)
    {
        using GemmRate product = new(type);
        using StepBenchmark step = new(shape, type, sequences, length);
        step.Once();
        double bestProduct = 0;
        double bestStep = 0;
        List<double> ratios = [];
        for (int pair = 0; pair < pairs; pair++)
        {
            double seconds = step.Once();
            double stepRate = step.Flops / seconds;
            double rate = product.Over(TimeSpan.FromSeconds(seconds));
            (bestProduct, bestStep) = (Math.Max(bestProduct, rate), Math.Max(bestStep, stepRate));
            ratios.Add(stepRate / rate);
        }

        ratios.Sort();
        return new StepRatio(step.Parameters, type, step._tokens.Length, length, ratios[ratios.Count / 2], bestStep / bestProduct, bestStep, bestProduct);
    }

    /// <summary>Seconds of one step.</summary>
    public double Once()
    {
        long start = Stopwatch.GetTimestamp();
        double loss = _model.Accumulate(_tokens, _targets, _length, 1.0 / _tokens.Length) / _tokens.Length;
        _optimizer.Step(1e-4, loss);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
    }
}
