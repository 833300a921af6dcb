using System.IO.Enumeration;
using DiPaCo.Core;
using Microsoft.Extensions.FileSystemGlobbing;

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
            return Recognised(path, path, Enumerate(path));
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

        // The glob library knows * and **; question marks are matched afterwards, segment by segment, by the file system's own rules.
        string glob = string.Join('/', segments[wild..]);
        var matcher = new Matcher(StringComparison.Ordinal);
        matcher.AddInclude(glob.Replace('?', '*'));
        IEnumerable<string> names = matcher.GetResultsInFullPath(root).Select(full => Path.GetRelativePath(root, full));
        return Recognised(pattern, root, glob.Contains('?') ? names.Where(name => Matches(segments.AsSpan(wild), SegmentsOf(name))) : names);
    }

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

    private static IEnumerable<string> Enumerate(string root)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System, IgnoreInaccessible = false };
        return new FileSystemEnumerable<string>(root, (ref FileSystemEntry entry) => entry.ToFullPath(), options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            // A link to a folder may lead back to itself; links to files are fine.
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        }.Select(full => Path.GetRelativePath(root, full));
    }

    private static List<CorpusFile> Recognised(string given, string root, IEnumerable<string> names)
    {
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
