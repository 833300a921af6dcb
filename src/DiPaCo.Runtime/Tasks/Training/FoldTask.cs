using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="FoldSpec"/> from files to a file: memory is some pieces, whatever the size of the module.</summary>
internal static class FoldTask
{
    public static async Task<TaskResult> ExecuteAsync(FoldSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Module.Parts);
        using ModulePieces start = new(await store.GetFileAsync(spec.Module.Blob, cancellationToken), layout);
        using ContributionSums sums = await ContributionSums.OpenAsync(layout, spec.Before, spec.Contributions, spec.Encoded, spec.Published, store, cancellationToken);
        int count = (spec.Before?.Weights.Length ?? 0) + spec.Contributions.Length;
        BlobHash blob = await store.PutAsync(
            stream => SumsFile.Write(stream, layout, count, Pieces(layout, start, sums, cancellationToken), sums.AllSquares), cancellationToken);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(FoldSpec.SumsOutput, blob),
            JsonSerializer.Serialize(new FoldMetrics(sums.OwnSquares()), TaskJson.Options));
    }

    private static IEnumerable<ReadOnlyMemory<double>> Pieces(ModuleLayout layout, ModulePieces start, ContributionSums sums, CancellationToken cancellationToken)
    {
        float[] theta = new float[sums.PieceAt(0)];
        ContributionSums.Lane lane = sums.NewLane();
        for (long first = 0; first < layout.Length; first += ContributionSums.PieceElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Memory<float> piece = theta.AsMemory(0, sums.PieceAt(first));
            start.Read(first, piece.Span);
            yield return lane.Make(first, piece.Span).Sums;
        }
    }
}
