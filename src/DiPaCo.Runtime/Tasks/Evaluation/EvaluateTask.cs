using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes an <see cref="EvaluateSpec"/>.</summary>
internal static class EvaluateTask
{
    public static TaskResult Execute(
        EvaluateSpec spec, PathModel model, TokenCorpus corpus, int[] byteCounts, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        DocumentId[] documents = HeldOutRank.Documents(corpus, spec.Split, spec.Sequences.PrefixTokens, spec.LastRank);
        SequenceOptions sequences = new(spec.Sequences.Length, spec.Sequences.PrefixTokens);
        EvaluationBatches batches = new(corpus, sequences, spec.Sequences.MicroBatch, byteCounts);
        float[] losses = [];
        EvaluationMetrics sum = EvaluationMetrics.None with { Documents = documents.Length };
        foreach (EvaluationBatch evaluation in batches.Read(documents))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Batch batch = evaluation.Batch;
            int tokens = batch.Rows * batch.Length;
            if (losses.Length < tokens)
            {
                losses = new float[tokens];
            }

            model.EvaluateLosses(batch.Tokens.Span, batch.Targets.Span, batch.Length, losses.AsSpan(0, tokens));
            sum += Sum(evaluation, losses);
            progress?.Report(new TaskStep(evaluation.Rows[^1].Index + 1, documents.Length));
        }

        sum.ThrowUnlessSound();
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(sum, TaskJson.Options));
    }

    private static EvaluationMetrics Sum(EvaluationBatch evaluation, float[] losses)
    {
        EvaluationMetrics sum = EvaluationMetrics.None;
        for (int row = 0; row < evaluation.Rows.Count; row++)
        {
            ScoredRow scored = evaluation.Rows[row];
            int start = row * evaluation.Batch.Length;
            int prefix = Math.Min(evaluation.Batch.PrefixColumns, evaluation.Batch.Length);
            sum += new EvaluationMetrics(
                0, scored.Targets, Sum(losses.AsSpan(start + prefix, evaluation.Batch.Length - prefix)),
                scored.PrefixTargets, Sum(losses.AsSpan(start, prefix)), scored.Bytes)
            {
                PrefixBytes = scored.PrefixBytes,
            };
        }

        return sum;
    }

    // Unscored positions are 0. Double precision, in order: the sum does not depend on how documents met in batches.
    private static double Sum(ReadOnlySpan<float> losses)
    {
        double sum = 0;
        foreach (float loss in losses)
        {
            sum += loss;
        }

        return sum;
    }
}
