using System.Text;
using DiPaCo.Cli.Engine;
using DiPaCo.Cli.Output;
using Xunit;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>Runs the whole command line in this process.</summary>
internal sealed class CommandLine
{
    private readonly StringBuilder _standard = new();
    private readonly StringBuilder _error = new();

    public FakeEngine Engine { get; init; } = new();

    public FakeBench Bench { get; } = new();

    public bool Interactive { get; init; }

    /// <summary>Whether the real runtime takes the place of the fake one.</summary>
    public bool UsesRuntime { get; init; }

    public string Program { get; init; } = "dipaco";

    public string Standard => _standard.ToString();

    public string Error => _error.ToString();

    public Task<int> RunAsync(params string[] arguments) => RunAsync(TestContext.Current.CancellationToken, arguments);

    public async Task<int> RunAsync(CancellationToken cancellation, params string[] arguments)
    {
        using TextWriter standard = TextWriter.Synchronized(new StringWriter(_standard));
        using TextWriter error = TextWriter.Synchronized(new StringWriter(_error));
        IRunEngine engine = UsesRuntime ? new RuntimeEngine(TimeProvider.System) : Engine;
        CliServices services = new(engine, Bench, Terminal.Of(standard, error, Interactive), TimeProvider.System, Program);
        return await new Application(services).RunAsync(arguments, cancellation);
    }
}
