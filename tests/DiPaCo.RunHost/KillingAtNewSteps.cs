using System.Globalization;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.RunHost;

/// <summary>
/// Ends this process at the n-th storage step that no process before it has come to, so that a run that is started again and again
/// dies at every n-th step on its way. A step is known by how long the journal was, its kind, and how many of that kind came since.
/// </summary>
internal sealed class KillingAtNewSteps : IStorageSteps
{
    private readonly Lock _lock = new();
    private readonly string _journal;
    private readonly string _known;
    private readonly HashSet<string> _steps;
    private readonly Dictionary<StorageStep, int> _sinceJournalLine = [];
    private int _left;

    /// <summary>Reads which steps are known.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="known">File of the known steps; it is created, and outlives this process.</param>
    /// <param name="stride">At which new step to end.</param>
    /// <param name="first">At which one to end where none is known yet.</param>
    public KillingAtNewSteps(string run, string known, int stride, int first)
    {
        _journal = new RunPaths(run).Journal;
        _known = known;
        _steps = File.Exists(known) ? [.. File.ReadAllLines(known)] : [];
        _left = _steps.Count == 0 ? first : stride;
    }

    public void Reached(StorageStep done, string path)
    {
        lock (_lock)
        {
            if (done == StorageStep.JournalAppended)
            {
                _sinceJournalLine.Clear();
            }

            int count = _sinceJournalLine[done] = _sinceJournalLine.GetValueOrDefault(done) + 1;
            string step = string.Create(CultureInfo.InvariantCulture, $"{JournalBytes()} {done} {count}");
            if (!_steps.Add(step))
            {
                return;
            }

            File.AppendAllLines(_known, [step]);
            if (--_left == 0)
            {
                SuddenDeath.Now();
            }
        }
    }

    private long JournalBytes() => new FileInfo(_journal) is { Exists: true } journal ? journal.Length : 0;
}
