using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using DiPaCo.Cli.Tests.Support;
using Xunit;

namespace DiPaCo.Cli.Tests.Serving;

/// <summary><c>dipaco serve</c> as a process.</summary>
[Collection(nameof(TrainedProjectTests))]
public sealed class ServeTests(TrainedProject project)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItSaysWhereItIs_Answers_AndLetsWhatRunsComeToItsEnd()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs the command kill.");
        using Process process = Programs.StartDipaco(project.Folder, "serve", "runs/mine", "--listen", "127.0.0.1:0", "--threads", "1");
        try
        {
            Uri address = await AddressAsync(process);
            Assert.Equal("Requests need no key: whoever reaches the address is served.", await process.StandardOutput.ReadLineAsync(Cancellation));
            using HttpClient client = new() { BaseAddress = address };
            Assert.Contains("mine:path-3", await client.GetStringAsync("/v1/models", Cancellation), StringComparison.Ordinal);
            Assert.StartsWith("<!doctype html>", await client.GetStringAsync("/", Cancellation), StringComparison.Ordinal);

            using HttpResponseMessage response = await BeginAsync(client);
            await Programs.TerminateAsync(process);
            Assert.Equal("Stopping: running requests have 20 s to end. A second Ctrl-C or signal ends them at once.", await process.StandardOutput.ReadLineAsync(Cancellation));
            string text = await response.Content.ReadAsStringAsync(Cancellation);
            ProgramResult ended = await Programs.EndOfAsync(process);

            Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
            Assert.Equal(4, text.Split("\"finish_reason\":\"length\"").Length - 1);
            Assert.DoesNotContain("\"error\"", text, StringComparison.Ordinal);
            Assert.Equal((0, "", ""), (ended.ExitCode, ended.Standard, ended.Error));
        }
        finally
        {
            End(process);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task ASecondSignalWaitsForNobody()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs the command kill.");
        using Process process = Programs.StartDipaco(project.Folder, "serve", "runs/mine", "--listen", "127.0.0.1:0", "--threads", "1", "--grace", "900");
        try
        {
            using HttpClient client = new() { BaseAddress = await AddressAsync(process) };
            await process.StandardOutput.ReadLineAsync(Cancellation);
            using HttpResponseMessage response = await BeginAsync(client, count: 128);
            await Programs.TerminateAsync(process);
            Assert.StartsWith("Stopping: running requests have 900 s", await process.StandardOutput.ReadLineAsync(Cancellation), StringComparison.Ordinal);
            await Programs.TerminateAsync(process);
            ProgramResult ended = await Programs.EndOfAsync(process);
            Assert.NotEqual(0, ended.ExitCode);
            await Assert.ThrowsAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
        finally
        {
            End(process);
        }
    }

    [Fact]
    public async Task LimitsOfPromptsAndAnswersAreTheCommandLines()
    {
        using Process process = Programs.StartDipaco(
            project.Folder, "serve", "runs/mine", "--listen", "127.0.0.1:0", "--threads", "1", "--max-prompt", "3", "--max-output", "4", "--max-connections", "8");
        try
        {
            using HttpClient client = new() { BaseAddress = await AddressAsync(process) };
            using HttpResponseMessage fits = await CompleteAsync(prompt: 3, answer: 4);
            using HttpResponseMessage longPrompt = await CompleteAsync(prompt: 4, answer: 4);
            using HttpResponseMessage longAnswer = await CompleteAsync(prompt: 3, answer: 5);

            Assert.Equal(
                (HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (fits.StatusCode, longPrompt.StatusCode, longAnswer.StatusCode));
            Assert.Contains("3", await longPrompt.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

            Task<HttpResponseMessage> CompleteAsync(int prompt, int answer) =>
                client.PostAsJsonAsync("/v1/completions", new { prompt = Enumerable.Range(1, prompt).ToArray(), max_tokens = answer }, Cancellation);
        }
        finally
        {
            End(process);
        }
    }

    [Theory]
    [InlineData("--max-prompt", "0", "--max-prompt is 0; at least 1 was expected.")]
    [InlineData("--max-connections", "0", "--max-connections is 0; 1 to 1000000 was expected.")]
    [InlineData("--max-sequences", "2147483647", "--max-sequences is 2147483647; 1 to 65536 was expected.")]
    [InlineData("--threads", "100000", "--threads is 100000; 0 to 1024 was expected.")]
    public async Task LimitsThatLeaveNothing_AreRefused(string option, string value, string message)
    {
        ProgramResult refused = await Programs.DipacoAsync(project.Folder, "serve", "runs/mine", option, value);

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(message, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANewKeyIsShownOnce_AndThenNeeded()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs the command kill.");
        string file = Path.Combine(project.Folder, "keys.txt");
        ProgramResult made = await Programs.DipacoAsync(project.Folder, "serve", "--new-key", "alice", "--keys", "keys.txt");
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        string key = made.Standard.Trim();
        Assert.Matches("^dipaco-[A-Za-z0-9_-]{43}$", key);
        Assert.Matches("^alice [0-9a-f]{64}\n$", File.ReadAllText(file));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        using Process process = Programs.StartDipaco(project.Folder, "serve", "runs/mine", "--listen", "127.0.0.1:0", "--keys", "keys.txt");
        try
        {
            using HttpClient client = new() { BaseAddress = await AddressAsync(process) };
            Assert.Equal("Requests need a key: 1 is in keys.txt.", await process.StandardOutput.ReadLineAsync(Cancellation));
            using HttpResponseMessage stranger = await client.GetAsync("/v1/models", Cancellation);
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using HttpResponseMessage alice = await client.GetAsync("/v1/models", Cancellation);
            Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (stranger.StatusCode, alice.StatusCode));
            await Programs.TerminateAsync(process);
            Assert.Equal(0, (await Programs.EndOfAsync(process)).ExitCode);
        }
        finally
        {
            End(process);
        }
    }

    [Fact]
    public async Task WhatCannotBeIsSaid_AndTheExitCodeIsNotZero()
    {
        string run = Path.Combine(project.Folder, "runs/mine"), novel = Path.Combine(project.Folder, "novel.txt"), nothing = Path.Combine(project.Folder, "no.pem");
        File.WriteAllText(novel, "It was a dark and stormy night.\n");
        using System.Net.Sockets.TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        string address = taken.LocalEndpoint.ToString()!;
        foreach ((int code, string message, string[] arguments) in ((int, string, string[])[])
        [
            (1, $"Cannot listen on {address}: ", [run, "--listen", address]),
            (1, "Other machines can reach 0.0.0.0:0. That takes TLS", [run, "--listen", "0.0.0.0:0"]),
            (1, "--listen is 'here'", [run, "--listen", "here"]),
            (1, "/other' is neither a run nor an exported model", [Path.Combine(project.Folder, "runs/other")]),
            (1, $"Line 1 of '{novel}' is not a name and the SHA-256 of a key", [run, "--keys", novel]),
            (1, $"Line 1 of '{novel}' is not a name and the SHA-256 of a key", ["--new-key", "alice", "--keys", novel]),
            (1, $"Cannot read '{nothing}'", [run, "--listen", "127.0.0.1:0", "--certificate", nothing, "--certificate-key", nothing]),
            (1, "not a certificate and its private key", [run, "--listen", "127.0.0.1:0", "--certificate", novel, "--certificate-key", novel]),
            (1, "--memory", [run, "--listen", "127.0.0.1:0", "--memory", "0.001"]),
            (2, "belong together", [run, "--certificate", nothing]),
            (2, "--timeout is 0", [run, "--timeout", "0"]),
            (2, "--grace is -1", [run, "--grace", "-1"]),
            (2, "A folder is missing", []),
        ])
        {
            CommandLine refused = new();
            Assert.Equal((code, ""), (await refused.RunAsync(["serve", .. arguments]), refused.Standard));
            Assert.StartsWith("error: ", refused.Error, StringComparison.Ordinal);
            Assert.Contains(message, refused.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", refused.Error, StringComparison.Ordinal);
        }

        Assert.Equal("It was a dark and stormy night.\n", File.ReadAllText(novel));
    }

    /// <summary>Reads the line that says where the server is.</summary>
    private static async Task<Uri> AddressAsync(Process process)
    {
        string line = await process.StandardOutput.ReadLineAsync(Cancellation) ?? await process.StandardError.ReadToEndAsync(Cancellation);
        Assert.Matches(@"^Serving mine at http://127\.0\.0\.1:\d+/v1 \(Ctrl-C stops\)\. A page for trying prompts is at http://127\.0\.0\.1:\d+/$", line);
        return new Uri(line.Split(' ')[^1]);
    }

    /// <summary>A stream that has begun, and goes on for a while.</summary>
    private static async Task<HttpResponseMessage> BeginAsync(HttpClient client, int count = 4)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { prompt = "red", max_tokens = 1500, n = count, temperature = 0, stream = true }),
        };
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
