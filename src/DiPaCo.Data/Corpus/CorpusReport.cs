using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Data;

/// <summary>
/// What a reading of a corpus has found so far: counts, and the first bad records of each file with their reasons.
/// Written by one reader; the counts may be read from another thread for progress.
/// </summary>
/// <param name="remedy">What to do about too many bad records; null: what a configuration's owner can.</param>
public sealed class CorpusReport(string? remedy = null)
{
    private const int ExamplesPerFile = 5;
    private const int MaximumExamples = 100;

    // What is read so far says little about the whole: bad records may stand together at its beginning. Reading stops early only where so
    // many records are bad, and so large a part of those read, that the rest could hardly make up for it.
    private const int BadBeforeEarlyStop = 100;
    private const int TimesTheShare = 10;

    // Enough to name the fields of a corpus, whose first records hardly ever have all of them.
    private const int RecordsWithNamedFields = 1000;
    private const int MostFields = 100;

    private readonly string _remedy = remedy ?? "Repair the files, set data.text_field, or raise data.max_bad_share.";
    private readonly List<BadRecord> _examples = [];
    private readonly SortedDictionary<string, long> _badByFile = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _fields = new(StringComparer.Ordinal);
    private long _records;
    private long _origins;

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

        ThrowIfHopeless(maximumShare);
    }

    /// <summary>Whether the names of a record's fields are still worth noting: no record so far has named its original.</summary>
    internal bool WantsFields => _origins == 0 && _records < RecordsWithNamedFields && _fields.Count < MostFields;

    internal void Field(string name) => _fields.Add(name);

    /// <summary>Counts a good record of a format with fields.</summary>
    internal void Record(bool namesOrigin)
    {
        _records++;
        _origins += namesOrigin ? 1 : 0;
    }

    /// <summary>Where the user names the field of the origin, a corpus without it is not what they think it is.</summary>
    internal void ThrowIfNoOrigin(string field)
    {
        if (_records == 0 || _origins > 0)
        {
            return;
        }

        string hint = NearestKey.To(field, _fields) is { } nearest ? $"Did you mean '{nearest}'?" : $"Its fields: {string.Join(", ", _fields)}.";
        throw new DiPaCoException(
            $"No record of the corpus has anything in the field '{field}' (data.origin_field), so parts of one original could come into different splits. {hint} "
            + "Name a field that the records have, or leave the key out: the field is then url, and a record without it is an original of its own.");
    }

    /// <summary>Of a corpus that is not read to its end, whether the rest could make up for what was bad so far.</summary>
    internal void ThrowIfHopeless(double maximumShare)
    {
        if (maximumShare <= 0 || (BadRecords >= BadBeforeEarlyStop && BadRecords > TimesTheShare * maximumShare * (Documents + BadRecords)))
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
            $"{BadRecords} of {all} records are bad, more than the allowed share of {maximumShare:0.####}. The first of them:{Environment.NewLine}{examples}{Environment.NewLine}{_remedy}"));
    }
}
