using System.Diagnostics;
using System.Text.Json;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests.Serving;

/// <summary><c>dipaco generate</c> as a process.</summary>
[Collection(nameof(TrainedProjectTests))]
public sealed class GenerateTests(TrainedProject project)
{
    private const string Prompt = "red green <b> blue";

    [Fact]
    public async Task TheTextGoesToStandardOutput_AndTheSeedDecidesIt_WhereverThePromptComesFrom()
    {
        ProgramResult first = await GenerateAsync("--prompt", Prompt, "--seed", "1", "--max-tokens", "24");
        ProgramResult piped = await Programs.DipacoWithInputAsync(project.Folder, Prompt, "generate", "runs/mine", "--prompt", "-", "--seed", "1", "--max-tokens", "24");
        ProgramResult other = await GenerateAsync("--prompt", Prompt, "--seed", "2", "--max-tokens", "24");
        ProgramResult said = await GenerateAsync("--prompt", Prompt, "--seed", "1", "--max-tokens", "24", "--json");

        Assert.StartsWith(Prompt, first.Standard, StringComparison.Ordinal);
        Assert.Equal(first, piped);
        Assert.NotEqual(first.Standard, other.Standard);
        using JsonDocument json = JsonDocument.Parse(said.Standard);
        JsonElement root = json.RootElement;
        Assert.Equal(first.Standard.ReplaceLineEndings("\n"), $"{Prompt}{SafeText.Of(root.GetProperty("text").GetString()!)}\n".ReplaceLineEndings("\n"));
        Assert.StartsWith($"path {root.GetProperty("path").GetInt32()} (experts ", first.Error, StringComparison.Ordinal);
        Assert.Contains("; score ", first.Error, StringComparison.Ordinal);
        Assert.EndsWith($"{root.GetProperty("tokens").GetInt32()} tokens, {root.GetProperty("finish_reason").GetString()}\n", first.Error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ThePathThatIsNamedWrites()
    {
        ProgramResult[] texts = await Task.WhenAll(Enumerable.Range(0, 2).Select(path => GenerateAsync("--path", $"{3 * path}", "--seed", "1", "--max-tokens", "40", "--temperature", "2")));
        Assert.StartsWith("path 0 (experts 0, 0)", texts[0].Error, StringComparison.Ordinal);
        Assert.StartsWith("path 3 (experts 1, 1)", texts[1].Error, StringComparison.Ordinal);
        Assert.NotEqual(texts[0].Standard, texts[1].Standard);
    }

    [Fact]
    public async Task ARerouteIsShownBesideTheText()
    {
        // The router, which has seen colors and numbers, looks at the beginning first and then at what comes last.
        string prompt = $"{string.Join(' ', Enumerable.Repeat("red green blue", 20))} {string.Join(' ', Enumerable.Repeat("one two three", 40))}";
        string[] arguments = ["--prompt", prompt, "--seed", "1", "--max-tokens", "40", "--reroute", "4"];
        ProgramResult said = await GenerateAsync([.. arguments, "--json"]);
        ProgramResult text = await GenerateAsync(arguments);

        using JsonDocument json = JsonDocument.Parse(said.Standard);
        string[] reroutes = [.. json.RootElement.GetProperty("reroutes").EnumerateArray().Select(one => $"[path {one.GetProperty("from")} → {one.GetProperty("to")}]")];
        Assert.NotEmpty(reroutes);
        Assert.Contains(string.Concat(reroutes), text.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("→", text.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatCannotBeIsSaid_AndTheExitCodeIsNotZero()
    {
        string run = Path.Combine(project.Folder, "runs/mine");
        string longPrompt = string.Join(' ', Enumerable.Repeat("red green", TrainedProject.Context));
        foreach ((int code, string message, string[] arguments) in ((int, string, string[])[])
        [
            (1, "There is no path 4; the model has 4 paths, from 0 to 3.", [run, "--path", "4"]),
            (1, "There is no path -1", [run, "--path", "-1"]),
            (1, "/other' is neither a run nor an exported model", [Path.Combine(project.Folder, "runs/other")]),
            (1, $"this model's context is {TrainedProject.Context}", [run, "--prompt", longPrompt]),
            (1, "This model has no token router", [run, "--reroute", "8:token"]),
            (1, "A path was given and re-routing as well", [run, "--path", "1", "--reroute", "8"]),
            (1, "--reroute is 'often'", [run, "--reroute", "often"]),
            (2, "--max-tokens is 0", [run, "--max-tokens", "0"]),
            (2, "--temperature is -1", [run, "--temperature", "-1"]),
        ])
        {
            CommandLine refused = new();
            Assert.Equal((code, ""), (await refused.RunAsync(["generate", .. arguments]), refused.Standard));
            Assert.StartsWith("error: ", refused.Error, StringComparison.Ordinal);
            Assert.Contains(message, refused.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", refused.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AnEndlessInputIsRefused()
    {
        using Process process = Programs.StartDipacoWithInput(project.Folder, "generate", "runs/mine", "--prompt", "-");
        try
        {
            char[] text = new char[1 << 16];
            Array.Fill(text, 'x');
            for (int i = 0; i < 1_000; i++)
            {
                await process.StandardInput.WriteAsync(text);
            }
        }
        catch (IOException)
        {
            // It no longer listens.
        }

        ProgramResult refused = await Programs.EndOfAsync(process);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("Standard input has more than", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStopEndsTheTextWhereItIs()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs the command kill.");
        string[] arguments = ["generate", "runs/mine", "--prompt", Prompt, "--temperature", "0", "--threads", "1"];
        using Process process = Programs.StartDipaco(project.Folder, arguments);
        char[] begun = new char[Prompt.Length + 4];
        Assert.Equal(begun.Length, await process.StandardOutput.ReadBlockAsync(begun, TestContext.Current.CancellationToken));
        await Programs.TerminateAsync(process);
        ProgramResult stopped = await Programs.EndOfAsync(process);

        Assert.Equal(130, stopped.ExitCode);
        Assert.EndsWith("Stopped.\n", stopped.Error.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        ProgramResult whole = await Programs.DipacoAsync(project.Folder, arguments);
        Assert.StartsWith(string.Concat(begun) + stopped.Standard.TrimEnd(), whole.Standard, StringComparison.Ordinal);
        Assert.Contains($"length", whole.Error, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task AStopIsHeardWhileThePromptIsAwaited()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs the command kill.");
        using Process process = Programs.StartDipacoWithInput(project.Folder, "generate", "runs/mine", "--prompt", "-");

        // More than a pipe holds: when it has been written, the program reads.
        await process.StandardInput.WriteAsync(new string('x', 1 << 18));
        await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        await Programs.TerminateAsync(process);
        ProgramResult stopped = await Programs.EndOfAsync(process);
        Assert.Equal((130, "Stopped.\n"), (stopped.ExitCode, stopped.Error.ReplaceLineEndings("\n")));
    }

    private async Task<ProgramResult> GenerateAsync(params string[] arguments)
    {
        ProgramResult result = await Programs.DipacoAsync(project.Folder, ["generate", "runs/mine", .. arguments]);
        Assert.True(result.ExitCode == 0, result.Error);
        return result;
    }
}
