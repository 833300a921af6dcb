using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Export;

/// <summary>The whole model in one folder, its blobs as they are.</summary>
internal static class GridFolder
{
    /// <summary>Writes the files into a folder that is there and empty; the manifest comes last.</summary>
    /// <exception cref="DiPaCoException">A blob is missing or damaged, or the disk is full.</exception>
    public static async Task WriteAsync(ServedGrid grid, string folder, CancellationToken cancellationToken)
    {
        ImmutableArray<GridFile>.Builder files = ImmutableArray.CreateBuilder<GridFile>();
        TokenizerKind kind = TokenizerFile.KindOf(await grid.ReadTokenizerFileAsync(cancellationToken));
        foreach ((BlobHash blob, string name) in grid.Description.NamedBlobs().OrderBy(named => named.Value, StringComparer.Ordinal))
        {
            string path = blob == grid.Description.Tokenizer ? TokenizerFile.NameOf(kind) : name;
            string file = Path.Combine(folder, path.Replace('/', Path.DirectorySeparatorChar));
            await using FileStream source = File.OpenRead(await grid.GetFileAsync(blob, cancellationToken));
            using DurableFile copy = DurableFile.Create(Path.GetDirectoryName(file)!);
            await source.CopyToAsync(copy.Stream, 1 << 20, cancellationToken);
            long bytes = copy.Stream.Length;
            if (copy.Finish() is var found && found != blob)
            {
                throw new DiPaCoException($"'{source.Name}' changed while it was copied: its hash is {found.Hex}, expected {blob.Hex}.");
            }

            copy.Commit(file);
            files.Add(new GridFile(path, blob, bytes));
        }

        DurableFile.WriteAllBytes(Path.Combine(folder, "README.md"), System.Text.Encoding.UTF8.GetBytes(ModelCard.Of(grid.Description)));
        DurableFile.WriteAllBytes(
            Path.Combine(folder, ExportedGrid.ManifestName),
            ExportedGrid.Serialize(new GridManifest(ExportedGrid.FormatName, grid.Description, files.ToImmutable())));
    }
}
