using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// The run's tokenizer under a name that other programs know, for people to take along: the bytes of its blob, which stays the only truth.
/// Neither a run nor a verb reads the copy back; <c>verify</c> compares it.
/// </summary>
internal static class TokenizerCopy
{
    /// <summary>Where the copies of a run lie, one for each kind of tokenizer; a run has one of them at most.</summary>
    public static IEnumerable<string> PathsIn(string folder) => Enum.GetValues<TokenizerKind>().Select(kind => Path.Combine(folder, TokenizerFile.NameOf(kind)));

    /// <summary>Writes the copy completely or not at all; does nothing where there is one.</summary>
    /// <param name="paths">The run's folder.</param>
    /// <param name="store">Has the tokenizer.</param>
    /// <param name="tokenizer">The tokenizer's blob.</param>
    /// <param name="steps">Told of the write.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StorageException">The disk is full, or the folder cannot be written to.</exception>
    public static async Task WriteWhereMissingAsync(
        RunPaths paths, IBlobStore store, BlobHash tokenizer, IStorageSteps steps, CancellationToken cancellationToken)
    {
        if (!PathsIn(paths.Folder).Any(File.Exists))
        {
            byte[] file = await store.ReadAllBytesAsync(tokenizer, TokenizerFile.MaximumBytes, cancellationToken);
            DurableFile.WriteAllBytes(Path.Combine(paths.Folder, TokenizerFile.NameOf(TokenizerFile.KindOf(file))), file, steps);
        }
    }

    /// <summary>Copies that are not what the journal says the tokenizer is; none where it does not say.</summary>
    /// <param name="paths">The run's folder.</param>
    /// <param name="entries">The journal.</param>
    public static IEnumerable<Damage> Check(RunPaths paths, IReadOnlyList<JournalEntry> entries) =>
        entries.FirstOrDefault(entry => entry.Kind == TokenizerSpec.TaskKind) is not { } made ? []
        : PathsIn(paths.Folder)
            .Where(path => File.Exists(path) && !Holds(path, made.Outputs[TokenizerSpec.Output]))
            .Select(path => new Damage(Path.GetFileName(path), "not the run's tokenizer: its hash differs from the blob's", Repaired: false));

    private static bool Holds(string path, BlobHash tokenizer) =>
        new FileInfo(path).Length <= TokenizerFile.MaximumBytes && BlobHash.Of(File.ReadAllBytes(path)) == tokenizer;
}
