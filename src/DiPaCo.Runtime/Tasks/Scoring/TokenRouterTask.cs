using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="TokenRouterSpec"/>.</summary>
internal static class TokenRouterTask
{
    /// <summary>Trains the router in the model's buffers.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="model">Buffers of the router's shape; overwritten.</param>
    /// <param name="baseFile">The base model.</param>
    /// <param name="documents">Text and targets; not owned.</param>
    /// <param name="progress">Is told of steps.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public static TrainMetrics Execute(
        TokenRouterSpec spec, PathModel model, string baseFile, LabelledDocuments documents, IProgress<TaskStep>? progress,
        CancellationToken cancellationToken)
    {
        StartFromBase(spec, model, baseFile);
        using AdamW adamW = new(model, spec.AdamW);
        ShardBatches text = BatchesOf(spec, documents.Text);
        ShardBatches labels = BatchesOf(spec, documents.Labels);
        (Batch inputs, Batch targets) = (text.NewBatch(), labels.NewBatch());
        TrainMetrics sums = TrainMetrics.None;
        model.Parameters.ClearGradients();
        for (int step = 0; step < spec.Schedule.TotalSteps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            text.Fill(step, inputs);
            labels.Fill(step, targets);
            double loss = model.Accumulate(inputs.Tokens.Span, targets.Targets.Span, inputs.Length, 1.0 / targets.ScoredTargets) / targets.ScoredTargets;
            adamW.Step(spec.Schedule.At(step), loss);
            double flops = model.Shape.TrainingFlopsPerToken(inputs.Length) * inputs.Rows * inputs.Length;
            sums += new TrainMetrics(1, loss, targets.ScoredTargets, flops, inputs.Rows);
            progress?.Report(new TaskStep(sums.Steps, spec.Schedule.TotalSteps));
        }

        return sums;
    }

    /// <summary>The trunk is the base model's; the output matrix is drawn anew.</summary>
    private static void StartFromBase(TokenRouterSpec spec, PathModel model, string baseFile)
    {
        model.Parameters.Initialize(spec.Seed);
        ParameterSegment router = model.Parameters.Segments[0];
        ModuleLayout layout = ModuleLayout.Of(spec.Base.Shape, spec.Base.Modules[0].Parts);
        float[] trunk = new float[checked((int)layout.Length)];
        ModuleFile.Read(baseFile, layout, trunk);
        float[] parameters = new float[checked((int)router.Length)];
        model.Parameters.Read(router.Module, parameters);
        foreach (NamedTensor tensor in router.Layout.Tensors.Where(tensor => tensor.Name != TensorNames.Head))
        {
            NamedTensor from = layout.Tensors.First(other => other.Name == tensor.Name);
            trunk.AsSpan((int)from.Offset, (int)from.Length).CopyTo(parameters.AsSpan((int)tensor.Offset));
        }

        model.Parameters.Write(router.Module, parameters);
    }

    private static ShardBatches BatchesOf(TokenRouterSpec spec, TokenCorpus corpus) => new(
        corpus,
        Shard.Of(corpus, corpus.Documents(Split.Router)),
        new SequenceOptions(spec.Sequences.Length, spec.Sequences.PrefixTokens, LossOnPrefix: false),
        new ShardOrderOptions(spec.Seed, new PathId(-1), spec.BatchSequences, spec.Sequences.LengthWindow));
}
