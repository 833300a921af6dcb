using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>The launcher of a checkout, with a <c>dotnet</c> that only writes down what it is asked to do.</summary>
public sealed class LauncherTests : IDisposable
{
    private readonly TemporaryFolder _checkout = new();

    public LauncherTests()
    {
        foreach (string folder in (string[])["src", "eng", "tools", "artifacts/bin/DiPaCo.Cli/release"])
        {
            Directory.CreateDirectory(_checkout[folder]);
        }
    }

    private string Built => _checkout["artifacts/bin/DiPaCo.Cli/release/torch-backend"];

    public void Dispose() => _checkout.Dispose();

    [Theory]
    [InlineData("cpu", null, "cpu", false)]
    [InlineData("cuda", null, "cuda", false)]
    [InlineData("cpu", "cpu", "cpu", false)]
    [InlineData("cpu", "cuda", "cuda", true)]
    [InlineData("cuda", "cpu", "cpu", true)]
    [InlineData(null, null, "cpu", true)]
    public async Task Program_IsBuiltAnew_WhereAnotherLibtorchIsAskedFor(string? built, string? asked, string used, bool builds)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The launcher of Windows leaves this to 'dotnet run'.");
        await PrepareAsync(built);

        ProgramResult result = await Programs.RunAsync(
            "env", _checkout.Path,
            ["-u", "TorchBackend", .. asked is null ? Array.Empty<string>() : [$"TorchBackend={asked}"], $"PATH={_checkout["tools"]}:{Environment.GetEnvironmentVariable("PATH")}", "./dipaco", "status", "a run"]);

        string[] calls = result.Standard.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(builds, result.Error.Contains($"Building dipaco with the {used} libtorch", StringComparison.Ordinal));
        Assert.Equal(builds, result.Error.Contains($"{used}: build {_checkout.Path}/src/DiPaCo.Cli -c Release", StringComparison.Ordinal));
        Assert.Equal($"{used}: {_checkout.Path}/artifacts/bin/DiPaCo.Cli/release/dipaco.dll status a run", Assert.Single(calls));
    }

    private async Task PrepareAsync(string? built)
    {
        File.Copy(Path.Combine(Repository.Root, "dipaco"), _checkout["dipaco"]);
        await File.WriteAllTextAsync(_checkout["tools/dotnet"], "#!/bin/sh\necho \"$TorchBackend: $*\"\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_checkout["tools/dotnet"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        await File.WriteAllTextAsync(_checkout["artifacts/bin/DiPaCo.Cli/release/dipaco.dll"], "", TestContext.Current.CancellationToken);
        if (built is not null)
        {
            await File.WriteAllTextAsync(Built, built + "\n", TestContext.Current.CancellationToken);
        }
    }
}
