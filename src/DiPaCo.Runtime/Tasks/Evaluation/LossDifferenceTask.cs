using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Computes a <see cref="LossDifferenceSpec"/>. Documents are long and short, easy and hard, and that is most of the variance of a loss; but
/// both versions have the same ones. So differences are taken document by document, and with d nats of difference on t tokens of each the mean
/// a token is the ratio r = Σd / Σt, whose standard error is that of the residuals d − r·t (the ratio estimator of survey sampling).
/// </summary>
internal static class LossDifferenceTask
{
    public static TaskResult Execute(LossMatrix earlier, LossMatrix later) => new(
        ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(Of(earlier, later), TaskJson.Options));

    /// <summary>Compares.</summary>
    /// <exception cref="DiPaCoException">The losses are of different documents.</exception>
    public static LossDifference Of(LossMatrix earlier, LossMatrix later)
    {
        if (!earlier.Documents.AsSpan().SequenceEqual(later.Documents.AsSpan()))
        {
            throw new DiPaCoException(
                $"Losses of {earlier.Documents.Length:N0} and of {later.Documents.Length:N0} documents are compared; the same documents were expected. "
                + "The run is damaged: 'dipaco verify' says more.");
        }

        int documents = earlier.Documents.Length;
        double[] differences = new double[documents];
        double sum = 0;
        double tokens = 0;
        for (int d = 0; d < documents; d++)
        {
            differences[d] = LossOf(later, d) - LossOf(earlier, d);
            sum += differences[d];
            tokens += earlier.Documents[d].Tokens;
        }

        double mean = documents == 0 ? 0 : sum / tokens;
        double squares = 0;
        for (int d = 0; d < documents; d++)
        {
            double residual = differences[d] - (mean * earlier.Documents[d].Tokens);
            squares += residual * residual;
        }

        return new LossDifference(
            documents, mean, documents < 2 ? null : Math.Sqrt(squares * documents / (documents - 1)) / tokens);
    }

    private static double LossOf(LossMatrix losses, int document)
    {
        Span<double> sums_P = stackalloc double[1];
        losses.SumOf(document, sums_P);
        return sums_P[0];
    }
}
