using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests;

public sealed class ArgumentTests
{
    [Theory]
    [InlineData("error: train: which run? Give a configuration file ('dipaco init' writes one), or --demo.\n'dipaco train --help' lists what is possible.\n", "train")]
    [InlineData("error: train: a configuration file and --demo exclude each other; give one of them.\n'dipaco train --help' lists what is possible.\n", "train", "a.yaml", "--demo")]
    [InlineData("error: train: a configuration file and --demo exclude each other; give one of them. Each text takes a --data of its own; quote a glob, so that the shell leaves it whole.\n'dipaco train --help' lists what is possible.\n", "train", "--demo", "--data", "a.txt", "b.txt")]
    [InlineData("error: Unrecognized command or argument 'b.txt'.\nEach text takes a --data of its own; quote a glob, so that the shell leaves it whole.\n'dipaco init --help' lists what is possible.\n", "init", "--data", "a.txt", "b.txt")]
    [InlineData("error: --size: 'huge' is not a size. Expected one of: tiny, small, medium, large, paper.\n'dipaco train --help' lists what is possible.\n", "train", "--demo", "--size", "huge")]
    [InlineData("error: status: of which run? Give its folder, or --join and an invitation.\n'dipaco status --help' lists what is possible.\n", "status")]
    [InlineData("error: Unrecognized command or argument '--frobnicate'.\n'dipaco bench --help' lists what is possible.\n", "bench", "--frobnicate")]
    [InlineData("error: Required argument missing for option: '--run'.\n'dipaco train --help' lists what is possible.\n", "train", "--demo", "--run")]
    [InlineData("error: --data: the value is empty; expected PATH.\n'dipaco train --help' lists what is possible.\n", "train", "a.yaml", "--data", "")]
    [InlineData("error: --run: the value is empty; expected DIR.\n'dipaco train --help' lists what is possible.\n", "train", "a.yaml", "--run", " ")]
    [InlineData("error: --data: the value is empty; expected PATH.\n'dipaco eval --help' lists what is possible.\n", "eval", "runs/demo", "--data", "a.txt", "--data", "")]
    [InlineData("error: RUN is empty.\n'dipaco verify --help' lists what is possible.\n", "verify", "")]
    [InlineData("error: FILE is empty.\n'dipaco plan --help' lists what is possible.\n", "plan", "")]
    [InlineData("error: --output: the value is empty; expected FILE.\n'dipaco init --help' lists what is possible.\n", "init", "-o", "")]
    [InlineData("error: Required argument missing for option: '--join'.\n'dipaco status --help' lists what is possible.\n", "status", "--join")]
    [InlineData("error: Required argument missing for option: '--certificate'.\n'dipaco silo --help' lists what is possible.\n", "silo", "--database", "x", "--blobs", "x", "--listen", "127.0.0.1:0", "--certificate")]
    public async Task WrongArgumentsSayWhatIsWrong(string expected, params string[] arguments)
    {
        CommandLine cli = new();

        int code = await cli.RunAsync(arguments);

        Assert.Equal(expected, cli.Error.ReplaceLineEndings("\n"));
        Assert.Equal((ExitCodes.Usage, ""), (code, cli.Standard));
    }

    [Fact]
    public async Task WithoutArgumentsItShowsTheVerbs()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync();

        Assert.Equal(ExitCodes.Success, code);
        Assert.All(["init", "plan", "train", "status", "verify", "eval", "report", "bench"], verb => Assert.Contains($"  {verb} ", cli.Standard, StringComparison.Ordinal));
    }

    [Fact]
    public async Task HelpNeedsNoArguments()
    {
        CommandLine cli = new();

        int code = await cli.RunAsync("eval", "--help");

        Assert.Equal((ExitCodes.Success, ""), (code, cli.Error));
        Assert.Contains("--data", cli.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public void ExitCodesNeverChange()
    {
        int[] codes = [ExitCodes.Success, ExitCodes.UserError, ExitCodes.Usage, ExitCodes.Damaged, ExitCodes.Bug, ExitCodes.Interrupted];

        Assert.Equal([0, 1, 2, 3, 70, 130], codes);
    }
}
