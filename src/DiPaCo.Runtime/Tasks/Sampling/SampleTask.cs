using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Computes a <see cref="SampleSpec"/>. Every token recomputes the whole sequence: right for the few lines of a report,
/// not for serving.
/// </summary>
internal static class SampleTask
{
    public static TaskResult Execute(SampleSpec spec, PathModel model, CancellationToken cancellationToken)
    {
        List<int> tokens = [.. spec.Prompt];
        RandomStream random = new(spec.Seed, "sample");
        for (int i = 0; i < spec.Tokens; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] sequence = [.. tokens];
            float[] logits = model.NextTokenLogits(sequence, sequence.Length, [sequence.Length]);
            int next = Draw(logits, spec.Temperature, random);
            if (next == spec.EndOfText)
            {
                break;
            }

            tokens.Add(next);
        }

        SampleMetrics metrics = new([.. tokens.Skip(spec.Prompt.Length)]);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private static int Draw(float[] logits, double temperature, RandomStream random)
    {
        double highest = logits.Max();
        double[] weights = [.. logits.Select(logit => Math.Exp((logit - highest) / temperature))];
        double rest = random.NextDouble() * weights.Sum();
        for (int token = 0; token < weights.Length; token++)
        {
            rest -= weights[token];
            if (rest < 0)
            {
                return token;
            }
        }

        return weights.Length - 1;
    }
}
