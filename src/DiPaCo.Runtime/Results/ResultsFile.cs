using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>Reads and writes <c>results.json</c> in a run's folder.</summary>
public static class ResultsFile
{
    /// <summary>Name of the file in the run's folder.</summary>
    public const string FileName = "results.json";

    private const long MaxBytes = 64L << 20;

    /// <summary>Writes the results completely or not at all.</summary>
    /// <exception cref="DiPaCoException">The disk is full or the folder cannot be written to.</exception>
    public static void Write(string runFolder, RunResults results, IStorageSteps? steps = null) =>
        DurableFile.WriteAllBytes(Path.Combine(runFolder, FileName), JsonSerializer.SerializeToUtf8Bytes(results, RunJson.Indented), steps);

    /// <summary>Reads the results of a finished run.</summary>
    /// <exception cref="DiPaCoException">The run has none yet, or the file is not what a run writes.</exception>
    public static async Task<RunResults> ReadAsync(string runFolder, CancellationToken cancellation)
    {
        string path = Path.Combine(runFolder, FileName);
        FileInfo file = new(path);
        if (!file.Exists)
        {
            throw new DiPaCoException(File.Exists(new RunPaths(runFolder).Info)
                ? $"'{runFolder}' has no {FileName}: the run is not finished. 'dipaco status' says how far it is; its 'dipaco train' command goes on."
                : $"'{runFolder}' is not a run: it has no run.json. Give the folder of a run, or begin one with 'dipaco train'.");
        }

        if (file.Length > MaxBytes)
        {
            throw new DiPaCoException($"'{path}' has {file.Length} bytes; results of a run have at most {MaxBytes}. The 'dipaco train' command of the run writes it anew if you delete it.");
        }

        try
        {
            await using FileStream stream = file.OpenRead();
            return await JsonSerializer.DeserializeAsync<RunResults>(stream, RunJson.Indented, cancellation)
                ?? throw new JsonException("The file holds 'null'.");
        }
        catch (JsonException exception)
        {
            throw new DiPaCoException($"'{path}' is damaged: {exception.Message} Delete it; the 'dipaco train' command of the run writes it anew.", exception);
        }
    }
}
