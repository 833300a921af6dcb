using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>A run's journal in PostgreSQL, as the one sees it who may append to it. Whoever opens it after takes that right away.</summary>
internal sealed class PostgresJournal : ChainedJournal, IRepairableJournal
{
    private readonly RunTable _table;
    private readonly string _run;
    private readonly long _epoch;
    private long _lines;

    private PostgresJournal(RunTable table, string run, long epoch, byte[] bytes, long lines)
        : base(PlaceOf(run), JournalContents.Read(PlaceOf(run), bytes))
    {
        _table = table;
        _run = run;
        _epoch = epoch;
        _lines = lines;
    }

    /// <summary>Takes a run over.</summary>
    /// <param name="table">The runs.</param>
    /// <param name="run">Its name.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="RunLostException">There is no such run.</exception>
    /// <exception cref="StorageException">The journal is damaged, or the database cannot be reached.</exception>
    public static async Task<PostgresJournal> OpenAsync(RunTable table, string run, CancellationToken cancellationToken)
    {
        // In this order: what is read after the right was taken is all that there is.
        long epoch = await table.TakeOverAsync(run, cancellationToken);
        (byte[] lines, JournalState state) = await table.ReadAsync(run, 0, cancellationToken);
        return new PostgresJournal(table, run, epoch, lines, state.Lines);
    }

    /// <inheritdoc/>
    public Task ForgetAsync(IReadOnlySet<string> forget, IReadOnlySet<string> drop, CancellationToken cancellationToken) => ReplaceAsync(
        forget,
        drop,
        async lines =>
        {
            await _table.ReplaceAsync(_run, _epoch, lines, cancellationToken);
            _lines = lines.Count;
        },
        cancellationToken);

    /// <inheritdoc/>
    protected override async Task KeepAsync(ReadOnlyMemory<byte> line, JournalEntry entry, CancellationToken cancellationToken)
    {
        await _table.AppendAsync(_run, _epoch, _lines, line.ToArray(), [.. entry.Outputs.Values.Distinct()], cancellationToken);
        _lines++;
    }

    private static string PlaceOf(string run) => $"the journal of run '{run}'";
}
