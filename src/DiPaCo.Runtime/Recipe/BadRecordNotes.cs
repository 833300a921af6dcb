using System.Globalization;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What a user is told of records that were left out of a text.</summary>
internal static class BadRecordNotes
{
    /// <summary>The first of them, each with its file and line, and how many there are; nothing where all were good.</summary>
    public static IEnumerable<string> Of(CorpusReport report)
    {
        foreach (BadRecord bad in report.Examples)
        {
            yield return bad.ToString();
        }

        if (report.BadRecords > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{report.BadRecords:N0} bad {(report.BadRecords == 1 ? "record was" : "records were")} left out.");
        }
    }
}
