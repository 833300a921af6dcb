using System.IO.Enumeration;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Turns what the user named (files, folders, globs) into an ordered list of corpus files.</summary>
internal static class CorpusPaths
{
    public static IReadOnlyList<CorpusFile> Resolve(IReadOnlyList<string> paths)
    {
        if (paths.Count == 0)
        {
            throw new DiPaCoException("The corpus names no path. Give at least one file, folder or glob, for example data/**/*.jsonl.gz.");
        }

        var files = new List<CorpusFile>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            foreach (CorpusFile file in ResolveOne(path))
            {
                if (seen.Add(file.FullPath))
                {
                    files.Add(file);
                }
            }
        }

        return files;
    }

    private static List<CorpusFile> ResolveOne(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            throw new DiPaCoException("A corpus path is empty. Give a file, a folder or a glob.");
        }

        if (File.Exists(path))
        {
            return [CorpusFile.Recognise(Path.GetFullPath(path), Path.GetFileName(path)) ?? throw new DiPaCoException(
                $"The corpus file {path} has an ending that is not read. Readable: {CorpusFile.ReadableEndings}.")];
        }

        if (Directory.Exists(path))
        {
            return Recognised(path, path, Enumerate(path, _ => true, followsLinks: false));
        }

        if (path.AsSpan().IndexOfAny('*', '?') >= 0)
        {
            return Glob(path);
        }

        throw new DiPaCoException($"The corpus path {path} does not exist (looked in {Path.GetFullPath(path)}). Give an existing file, folder or glob.");
    }

    private static List<CorpusFile> Glob(string pattern)
    {
        string[] segments = pattern.Replace('\\', '/').Split('/');
        int wild = Array.FindIndex(segments, segment => segment.AsSpan().IndexOfAny('*', '?') >= 0);
        string root = string.Join('/', segments[..wild]);
        root = wild == 0 ? "." : root.Length == 0 ? "/" : root;
        if (!Directory.Exists(root))
        {
            throw new DiPaCoException($"The corpus glob {pattern} starts at the folder {root}, which does not exist.");
        }

        // A link to a folder may lead back to itself; a glob of a fixed depth comes to an end all the same.
        string[] glob = segments[wild..];
        bool followsLinks = !glob.Any(IsAnyDepth);
        IEnumerable<string> names = Enumerate(root, folder => LeadsOn(glob, SegmentsOf(folder)), followsLinks)
            .Where(name => Matches(glob, SegmentsOf(name)));
        return Recognised(pattern, root, names);
    }

    private static bool IsAnyDepth(string segment) => segment is "**" or "";

    private static string[] SegmentsOf(string name) => name.Replace(Path.DirectorySeparatorChar, '/').Split('/');

    /// <summary>Whether a name matches a glob, segment by segment; <c>**</c>, and nothing behind a last slash, is any number of segments.</summary>
    private static bool Matches(ReadOnlySpan<string> glob, ReadOnlySpan<string> name)
    {
        while (glob is [not ("**" or ""), ..])
        {
            if (name.IsEmpty || !FileSystemName.MatchesSimpleExpression(glob[0], name[0], ignoreCase: false))
            {
                return false;
            }

            glob = glob[1..];
            name = name[1..];
        }

        if (glob.IsEmpty)
        {
            return name.IsEmpty;
        }

        while (glob is ["**" or "", ..])
        {
            glob = glob[1..];
        }

        for (int skipped = 0; skipped < name.Length; skipped++)
        {
            if (Matches(glob, name[skipped..]))
            {
                return true;
            }
        }

        return glob.IsEmpty;
    }

    /// <summary>Whether files below a folder can match a glob.</summary>
    private static bool LeadsOn(ReadOnlySpan<string> glob, ReadOnlySpan<string> folder)
    {
        foreach (string segment in folder)
        {
            if (IsAnyDepth(glob[0]))
            {
                return true;
            }

            // The last segment is the file's.
            if (glob.Length == 1 || !FileSystemName.MatchesSimpleExpression(glob[0], segment, ignoreCase: false))
            {
                return false;
            }

            glob = glob[1..];
        }

        return true;
    }

    /// <summary>The files below a folder, by names relative to it: neither hidden ones nor those of runs.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="enters">Which folders, by names relative to the root, are worth entering.</param>
    /// <param name="followsLinks">Whether links to folders are followed; links to files always are.</param>
    private static IEnumerable<string> Enumerate(string root, Func<string, bool> enters, bool followsLinks)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System, IgnoreInaccessible = false };
        var files = new FileSystemEnumerable<string>(root, (ref FileSystemEntry entry) => entry.ToFullPath(), options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref FileSystemEntry entry) =>
                (followsLinks || (entry.Attributes & FileAttributes.ReparsePoint) == 0)
                && enters(Path.GetRelativePath(root, entry.ToFullPath()))
                && !IsRun(entry.ToFullPath()),
        };

        // Here, not before: the root is opened by whoever lists it, who says so where it cannot be.
        foreach (string full in files)
        {
            yield return Path.GetRelativePath(root, full);
        }
    }

    /// <summary>
    /// Whether a folder is that of a run or of an experiment: what they record is no text to train on, and it would change a corpus
    /// that they lie in while they go on.
    /// </summary>
    private static bool IsRun(string folder)
    {
        return (Has("run.json") && (Has("journal.jsonl") || Has("run.lock"))) || (Has("experiment.json") && Has("experiment.md"));

        bool Has(string file) => File.Exists(Path.Combine(folder, file));
    }

    private static List<CorpusFile> Recognised(string given, string root, IEnumerable<string> names)
    {
        if (IsRun(root))
        {
            throw new DiPaCoException($"The corpus path {given} leads into the folder of a run, which is no text to train on. Give the text itself.");
        }

        var files = new List<CorpusFile>();
        string? other = null;
        try
        {
            foreach (string name in names)
            {
                string canonical = name.Replace(Path.DirectorySeparatorChar, '/');
                if (CorpusFile.Recognise(Path.GetFullPath(Path.Combine(root, name)), canonical) is { } file)
                {
                    files.Add(file);
                }
                else
                {
                    other ??= canonical;
                }
            }
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or IOException)
        {
            throw new DiPaCoException($"The corpus path {given} cannot be listed: {failure.Message}", failure);
        }

        if (files.Count == 0)
        {
            string found = other is null ? "it holds no files at all" : $"it holds, for example, {other}";
            throw new DiPaCoException($"The corpus path {given} has no file that can be read: {found}. Readable: {CorpusFile.ReadableEndings}.");
        }

        files.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return files;
    }
}
