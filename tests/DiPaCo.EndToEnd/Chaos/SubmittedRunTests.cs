using System.Text.RegularExpressions;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.EndToEnd.Chaos;

/// <summary>Runs of a cluster as a user handles them: submitted, left, paused, resumed, followed again, deleted.</summary>
public sealed partial class SubmittedRunTests(UninterruptedRun reference, PostgresServer server) : IClassFixture<UninterruptedRun>, IClassFixture<PostgresServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARunThatIsLeftAndPausedAndResumed_EndsWithTheSameBytes_AndCanBeDeleted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs signals.");
        string folder = Path.Combine(reference.Folder, "cluster"), run = Path.Combine(folder, "run");
        Directory.CreateDirectory(folder);
        string database = await server.NewDatabaseAsync();
        await RunAsync(0, "silo", "--init-db", "--database", database);
        using DipacoProcess silo = DipacoProcess.Start(
            "silo", "--database", database, "--blobs", Path.Combine(folder, "blobs"), "--listen", "127.0.0.1:0", "--state", Path.Combine(folder, "state"), "--name", "only");
        await silo.LineWithAsync("is open at", Cancellation);
        string admin = Word().Match(await RunAsync(0, "token", "create", "--database", database, "--role", "admin")).Value;
        string read = Word().Match(await RunAsync(0, "token", "create", "--database", database, "--role", "read")).Value;
        string workers = Word().Match(await RunAsync(0, "token", "create", "--database", database)).Value;

        // Nobody computes it yet: there is time to leave and to pause.
        using (DipacoProcess leaving = DipacoProcess.Start("train", reference.Config, "--run", run, "--join", admin))
        {
            await leaving.LineWithAsync("The cluster has the run", Cancellation);
            // Like Ctrl-C; a test runner in the background has that ignored, and its children inherit it.
            leaving.Signal("TERM");
            Assert.Equal(130, await leaving.EndAsync(Cancellation));
            Assert.Contains("The cluster goes on with the run 'small'", leaving.Output, StringComparison.Ordinal);
        }

        Assert.Contains("Run small is paused", await RunAsync(0, "run", "pause", "small", "--join", admin), StringComparison.Ordinal);
        Assert.Contains("The token does not allow it", await RunAsync(1, "run", "resume", "small", "--join", read), StringComparison.Ordinal);
        Assert.Contains("paused", await RunAsync(0, "status", "--join", read), StringComparison.Ordinal);
        using DipacoProcess worker = DipacoProcess.Start(
            "worker", "--join", workers, "--name", "w", "--threads", "1", "--device", "cpu", "--cache", Path.Combine(folder, "cache"));
        await worker.LineWithAsync("Run small is paused", Cancellation);
        Assert.DoesNotContain("delivered", worker.Output, StringComparison.Ordinal);
        Assert.Contains("Run small is running", await RunAsync(0, "run", "resume", "small", "--join", admin), StringComparison.Ordinal);

        await RunAsync(0, "train", reference.Config, "--run", run, "--join", admin);

        Assert.Equal(WithoutJournal(reference.Contents), WithoutJournal(RunContents.Of(run)));
        Assert.Contains("finished", await RunAsync(0, "status", "--join", read), StringComparison.Ordinal);
        Assert.Contains("it is finished", await RunAsync(1, "run", "resume", "small", "--join", admin), StringComparison.Ordinal);
        Assert.Contains("Run small is deleted", await RunAsync(0, "run", "delete", "small", "--join", admin), StringComparison.Ordinal);
        Assert.DoesNotContain("small", await RunAsync(0, "status", "--join", read), StringComparison.Ordinal);
        await RunAsync(0, "verify", run);
    }

    private static async Task<string> RunAsync(int expected, params string[] arguments)
    {
        using DipacoProcess process = DipacoProcess.Start(arguments);
        int code = await process.EndAsync(Cancellation);
        Assert.True(code == expected, $"{string.Join(' ', arguments[..2])} ended with {code}:\n{process.Output}");
        return process.Output;
    }

    /// <summary>The order of the journal is that in which tasks ended, which many hands change.</summary>
    private static IEnumerable<string> WithoutJournal(IEnumerable<string> contents) => contents.Where(line => !line.StartsWith("journal", StringComparison.Ordinal));

    [GeneratedRegex("dipaco1\\.[A-Za-z0-9_-]+")]
    private static partial Regex Word();
}
