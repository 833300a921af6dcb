using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// What a reading of a corpus has found so far: counts, and the first bad records of each file with their reasons.
/// Written by one reader; the counts may be read from another thread for progress.
/// </summary>
public sealed class CorpusReport
{
    private const int ExamplesPerFile = 5;
    private const int MaximumExamples = 100;

    // A share means little on a handful of records: reading goes on at least this far before it stops early.
    private const int RecordsBeforeEarlyStop = 1000;

    private readonly List<BadRecord> _examples = [];
    private readonly SortedDictionary<string, long> _badByFile = new(StringComparer.Ordinal);

    /// <summary>Files begun.</summary>
    public int Files { get; private set; }

    /// <summary>Good documents.</summary>
    public long Documents { get; private set; }

    /// <summary>Characters (UTF-16 units) in them.</summary>
    public long Characters { get; private set; }

    /// <summary>Bad records.</summary>
    public long BadRecords { get; private set; }

    /// <summary>The first bad records of each file, at most 5 a file and 100 in all.</summary>
    public IReadOnlyList<BadRecord> Examples => _examples;

    internal void FileBegun() => Files++;

    internal void Read(Document document)
    {
        Documents++;
        Characters += document.Text.Length;
    }

    internal void Bad(BadRecord record, double maximumShare)
    {
        BadRecords++;
        long inFile = _badByFile.GetValueOrDefault(record.File) + 1;
        _badByFile[record.File] = inFile;
        if (inFile <= ExamplesPerFile && _examples.Count < MaximumExamples)
        {
            _examples.Add(record);
        }

        if (maximumShare <= 0 || Documents + BadRecords >= RecordsBeforeEarlyStop)
        {
            ThrowIfBeyond(maximumShare);
        }
    }

    internal void ThrowIfBeyond(double maximumShare)
    {
        long all = Documents + BadRecords;
        if (BadRecords <= maximumShare * all)
        {
            return;
        }

        string examples = string.Join(Environment.NewLine, _examples.Take(10).Select(example => "  " + example));
        throw new DiPaCoException(string.Create(
            CultureInfo.InvariantCulture,
            $"{BadRecords} of {all} records are bad, more than the allowed share of {maximumShare:0.####}. The first of them:{Environment.NewLine}{examples}{Environment.NewLine}Repair the files, set data.text_field, or raise data.max_bad_share."));
    }
}
