using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Export;

/// <summary>Exports a model, or paths of it. Whatever stops it, the destination is complete or not there.</summary>
public static class ModelExport
{
    /// <summary>Exports one path.</summary>
    /// <param name="grid">The model.</param>
    /// <param name="path">Which path.</param>
    /// <param name="format">Hugging Face or GGUF.</param>
    /// <param name="type">How elements are stored.</param>
    /// <param name="destination">A folder that is not there or empty (Hugging Face), or a file that is not there (GGUF).</param>
    /// <param name="cancellationToken">Ends the export.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DiPaCoException">There is no such path, the format cannot hold it, or the destination cannot be written to.</exception>
    public static async Task<long> ExportPathAsync(
        ServedGrid grid, PathId path, ExportFormat format, ExportType type, string destination, CancellationToken cancellationToken)
    {
        if (!grid.Topology.Paths.Contains(path))
        {
            throw new DiPaCoException(
                $"'{grid.Description.Name}' has no path {path.Value}, expected {(grid.Topology.Paths.Length == grid.Topology.Grid.Count
                    ? $"0 to {grid.Topology.Grid.Count - 1}" : "one of " + string.Join(", ", grid.Topology.Paths.Select(known => known.Value)))}.");
        }

        switch (format)
        {
            case ExportFormat.HuggingFace:
                return await WriteFolderAsync(destination, folder => HuggingFaceFolder.WriteAsync(grid, path, type, folder, cancellationToken));
            case ExportFormat.Gguf:
                return await WriteFileAsync(destination, stream => GgufFile.WriteAsync(grid, path, type, stream, cancellationToken));
            default:
                throw new ArgumentOutOfRangeException(nameof(format), format, "This format holds a whole model.");
        }
    }

    /// <summary>Exports several paths, each into a folder or file <c>path-N</c> of one folder.</summary>
    /// <inheritdoc cref="ExportPathAsync"/>
    public static Task<long> ExportPathsAsync(
        ServedGrid grid, ImmutableArray<PathId> paths, ExportFormat format, ExportType type, string destination, CancellationToken cancellationToken) =>
        WriteFolderAsync(destination, async folder =>
        {
            foreach (PathId path in paths)
            {
                string name = FormattableString.Invariant($"path-{path.Value}{(format == ExportFormat.Gguf ? ".gguf" : "")}");
                await ExportPathAsync(grid, path, format, type, Path.Combine(folder, name), cancellationToken);
            }
        });

    /// <summary>Exports the whole model with its router and tokenizer.</summary>
    /// <param name="grid">The model.</param>
    /// <param name="destination">A folder that is not there or empty.</param>
    /// <param name="cancellationToken">Ends the export.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="DiPaCoException">A blob is missing or damaged, or the destination cannot be written to.</exception>
    public static Task<long> ExportGridAsync(ServedGrid grid, string destination, CancellationToken cancellationToken) =>
        WriteFolderAsync(destination, folder => GridFolder.WriteAsync(grid, folder, cancellationToken));

    private static async Task<long> WriteFileAsync(string destination, Func<Stream, Task> write)
    {
        string file = Path.GetFullPath(destination);
        if (Path.Exists(file))
        {
            throw new DiPaCoException($"'{destination}' is there already. Give another name (-o), or delete it.");
        }

        using DurableFile durable = DurableFile.Create(Path.GetDirectoryName(file)!);
        await write(durable.Stream);
        long bytes = durable.Stream.Length;
        durable.Commit(file);
        return bytes;
    }

    private static async Task<long> WriteFolderAsync(string destination, Func<string, Task> write)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(destination));
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
        {
            throw new DiPaCoException($"'{destination}' is there already, and not an empty folder. Give another name (-o), or delete it.");
        }

        string parent = Path.GetDirectoryName(folder) ?? throw new DiPaCoException($"'{destination}' is no place for a new folder. Give another name (-o).");
        string temporary = Path.Combine(parent, $".{Path.GetFileName(folder)}.{Path.GetRandomFileName()}");
        try
        {
            Directory.CreateDirectory(temporary);
            await write(temporary);
            long bytes = new DirectoryInfo(temporary).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder);
            }

            Directory.Move(temporary, folder);
            return bytes;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{destination}' cannot be written: {exception.Message.TrimEnd('.')}.", exception);
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }
    }
}
