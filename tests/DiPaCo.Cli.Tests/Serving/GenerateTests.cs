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

    /// <summary>Tokens that the router looks at, the default.</summary>
    private const int Prefix = 32;

    /// <summary>The router, which has seen colors and numbers, looks at the beginning first and then at what comes last.</summary>
    private static readonly string Changing = $"{string.Join(' ', Enumerable.Repeat("red green blue", 20))} {string.Join(' ', Enumerable.Repeat("one two three", 40))}";

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
        string[] arguments = ["--prompt", Changing, "--seed", "1", "--max-tokens", "40", "--reroute", "4"];
        ProgramResult said = await GenerateAsync([.. arguments, "--json"]);
        ProgramResult text = await GenerateAsync(arguments);

        using JsonDocument json = JsonDocument.Parse(said.Standard);
        string[] reroutes = [.. json.RootElement.GetProperty("reroutes").EnumerateArray().Select(one => $"[path {one.GetProperty("from")} → {one.GetProperty("to")}]")];
        Assert.NotEmpty(reroutes);
        Assert.Contains(string.Concat(reroutes), text.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("→", text.Standard, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnATerminalTheTextHasTheColorOfThePathThatWritesIt()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("NO_COLOR") is not null, "Colors are switched off.");
        string[] prompt = ["generate", Path.Combine(project.Folder, "runs/mine"), "--prompt", Changing, "--threads", "1"];
        using JsonDocument probe = await JsonAsync([.. prompt, "--max-tokens", "1"]);

        // Where the router looks again, eight tokens have been written; what it looks at then is mostly the end of the prompt.
        int window = probe.RootElement.GetProperty("prompt_tokens").GetInt32() - Prefix + 8;
        for (int seed = 1; seed < 20; seed++)
        {
            string[] arguments = [.. prompt, "--seed", $"{seed}", "--max-tokens", "30", "--reroute", $"{window}"];
            using JsonDocument json = await JsonAsync(arguments);
            JsonElement reroutes = json.RootElement.GetProperty("reroutes");
            if (reroutes.GetArrayLength() == 0 || json.RootElement.GetProperty("tokens").GetInt32() < 20)
            {
                continue;
            }

            CommandLine shown = new() { Interactive = true };
            await shown.RunAsync(arguments);
            (int from, int to) = (reroutes[0].GetProperty("from").GetInt32(), reroutes[0].GetProperty("to").GetInt32());
            Assert.Contains($"\u001b[{31 + from}mpath {from} (experts ", shown.Error, StringComparison.Ordinal);
            Assert.Contains($"\u001b[{31 + to}m[path {from} → {to}]\u001b[0m", shown.Error, StringComparison.Ordinal);
            int first = shown.Standard.IndexOf($"\u001b[{31 + from}m", StringComparison.Ordinal);
            int second = shown.Standard.IndexOf($"\u001b[{31 + to}m", StringComparison.Ordinal);
            Assert.True(first > 0 && second > first, shown.Standard);
            string plain = System.Text.RegularExpressions.Regex.Replace(shown.Standard, "\u001b\\[\\d+m", "");
            Assert.Equal($"{Changing}{SafeText.Of(json.RootElement.GetProperty("text").GetString()!)}\n", plain.ReplaceLineEndings("\n"));
            return;
        }

        Assert.Fail("No seed has another path take over, so the test shows nothing.");
    }

    private static async Task<JsonDocument> JsonAsync(string[] arguments)
    {
        CommandLine said = new();
        await said.RunAsync([.. arguments, "--json"]);
        return JsonDocument.Parse(said.Standard);
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
