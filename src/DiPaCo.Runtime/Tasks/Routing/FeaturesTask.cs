using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="FeaturesSpec"/>.</summary>
internal static class FeaturesTask
{
    /// <summary>Documents computed at once: 8,192 tokens of 32-token prefixes.</summary>
    public const int BatchDocuments = 256;

    /// <summary>Floating-point operations of a chunk's features: a prefix for every document, short ones padded.</summary>
    public static double FlopsOf(TransformerShape shape, int documents, int prefixTokens) =>
        (double)documents * prefixTokens * shape.FeatureFlopsPerToken(prefixTokens);

    public static FeatureMatrix Execute(
        TokenChunk chunk, int prefixTokens, PathModel model, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        FeatureMatrix features = new(chunk.DocumentCount, model.Shape.Width);
        int[] tokens = new int[BatchDocuments * prefixTokens];
        int[] lengths = new int[BatchDocuments];
        for (int first = 0; first < chunk.DocumentCount; first += BatchDocuments)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(BatchDocuments, chunk.DocumentCount - first);
            Array.Clear(tokens);
            for (int row = 0; row < count; row++)
            {
                lengths[row] = Math.Min(prefixTokens, chunk[first + row].TokenCount);
                chunk.CopyTokens(first + row, 0, tokens.AsSpan(row * prefixTokens, lengths[row]));
            }

            float[] batch = model.FeaturesOf(tokens.AsSpan(0, count * prefixTokens), prefixTokens, lengths.AsSpan(0, count));
            for (int row = 0; row < count; row++)
            {
                batch.AsSpan(row * features.Width, features.Width).CopyTo(features.Row(first + row));
            }

            progress?.Report(new TaskStep(first + count, chunk.DocumentCount));
        }

        return features;
    }
}
