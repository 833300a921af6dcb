using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Benchmarks;

/// <summary>A whole server on a 4 × 4 grid of random weights: its start, many clients at once, a new version, and llama.cpp beside it on one of the paths.</summary>
internal static class ServerTable
{
    private const int Context = 256;

    public static async Task PrintAsync(string[] args)
    {
        TransformerShape shape = args is ["150", ..] ? ServeTable.Large : ServeTable.Small;
        WeightType type = args is [_, "bf16", ..] ? WeightType.Bf16 : args is [_, "int8", ..] ? WeightType.Q8 : WeightType.Fp32;
        using RandomGridFolder folder = await RandomGridFolder.CreateAsync(shape, Context);
        string[] parts = args.Length > 2 ? args[2..] : ["start", "clients", "swap", "llama"];
        foreach (string part in parts)
        {
            switch (part)
            {
                case "start":
                    await StartAsync(folder, type);
                    break;
                case "clients":
                    await ClientsAsync(folder, type, sequences: 1);
                    await ClientsAsync(folder, type, sequences: 64);
                    break;
                case "swap":
                    await SwapAsync(folder, type);
                    break;
                default:
                    await LlamaAsync(folder, type);
                    break;
            }
        }
    }

    private static Task<ServingHost> HostAsync(RandomGridFolder folder, WeightType type, int sequences, TimeSpan refresh) => ServingHost.StartAsync(
        folder.Path,
        new ServingOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0), Weights = type, MaxSequences = sequences, Refresh = refresh },
        TimeProvider.System, _ => { }, CancellationToken.None);

    /// <summary>From the start of a process until it says that it is ready; the files were read before.</summary>
    private static async Task StartAsync(RandomGridFolder folder, WeightType type)
    {
        for (int round = 0; round < 4; round++)
        {
            double start = Clocks.Wall();
            using ServerProcess? server = await ServerProcess.StartAsync(folder.Path, Name(type));
            if (server is null)
            {
                return;
            }

            await server.Client.GetStringAsync("/health/ready");
            double ready = Clocks.Wall() - start;
            using HttpResponseMessage answer = await server.Client.PostAsJsonAsync("/v1/completions", new { prompt = "a b c", max_tokens = 1 });
            answer.EnsureSuccessStatusCode();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"start {round + 1}: ready after {ready:F2} s, first answer after {Clocks.Wall() - start:F2} s"));
        }
    }

    /// <summary>100 clients that come at the same moment, each with a prompt of its own that the router sends to some path.</summary>
    private static async Task ClientsAsync(RandomGridFolder folder, WeightType type, int sequences)
    {
        await using ServingHost host = await HostAsync(folder, type, sequences, TimeSpan.FromHours(1));
        using HttpClient client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 200 }) { BaseAddress = new Uri(host.Address, "/"), Timeout = Timeout.InfiniteTimeSpan };
        await StreamAsync(client, Prompt(-1), 16);
        double start = Clocks.Wall();
        ConcurrentBag<double> firsts = [];
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async at => firsts.Add((await StreamAsync(client, Prompt(at), 32))[0] - start)));
        double[] sorted = [.. firsts.Order()];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"100 clients, prompts of 128 tokens, 32 tokens each, {sequences} side by side: first token after {sorted[50]:F2} s (median), {sorted[98]:F2} s (p99); all done after {Clocks.Wall() - start:F2} s"));
    }

    /// <summary>Time between the tokens of a stream while a server takes up a new version of all modules.</summary>
    private static async Task SwapAsync(RandomGridFolder folder, WeightType type)
    {
        using ServerProcess? server = await ServerProcess.StartAsync(folder.Path, Name(type));
        if (server is null)
        {
            return;
        }

        await StreamAsync(server.Client, Prompt(0), 100);
        List<double> quiet = [];
        List<double> swapping = [];
        for (int version = 2; version < 5; version++)
        {
            folder.WriteVersion(version);
            GC.Collect();
            Task served = server.HearAsync($"version-{version}");
            while (!served.IsCompleted)
            {
                // The folder is looked at every few seconds, so some of these tokens were written before that.
                swapping.AddRange(Gaps(await StreamAsync(server.Client, Prompt(1), 100)));
            }

            await served;
            for (int stream = 0; stream < 4; stream++)
            {
                quiet.AddRange(Gaps(await StreamAsync(server.Client, Prompt(2), 100)));
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"between two tokens of one stream: {Median(quiet) * 1e3:F1} ms (median), p99 {Percentile(quiet, 0.99) * 1e3:F1}, at most {quiet.Max() * 1e3:F1}; while new versions are taken up: {Median(swapping) * 1e3:F1}, p99 {Percentile(swapping, 0.99) * 1e3:F1}, at most {swapping.Max() * 1e3:F1}"));
    }

    private static double Percentile(List<double> values, double share) => values.Order().ElementAt((int)(values.Count * share));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static IEnumerable<double> Gaps(List<double> times) => times.Skip(1).Zip(times, (later, sooner) => later - sooner);

    private static int[] Prompt(int salt)
    {
        RandomStream random = new(salt, "benchmark-prompt");
        return [.. Enumerable.Range(0, 128).Select(_ => 1 + random.NextInt32(4_000))];
    }

    /// <summary>When the pieces of a stream came.</summary>
    private static async Task<List<double>> StreamAsync(HttpClient client, int[] prompt, int tokens)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { prompt, max_tokens = tokens, stream = true, temperature = 0, logprobs = 0, logit_bias = new Dictionary<string, int> { ["0"] = -100 } }),
        };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        List<double> times = [];
        string last = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            last = line.StartsWith("data: {", StringComparison.Ordinal) ? line : last;
            if (line.StartsWith("data: {", StringComparison.Ordinal) && JsonNode.Parse(line[6..])!["choices"]!.AsArray() is [{ } choice, ..] && choice["logprobs"]?["tokens"]?.AsArray().Count > 0)
            {
                times.Add(Clocks.Wall());
            }
        }

        return times.Count == tokens ? times : throw new InvalidOperationException($"{times.Count} tokens came, {tokens} were asked for: {last}");
    }

    /// <summary>Tokens a second of one stream, ours and llama.cpp's, in turn.</summary>
    private static async Task LlamaAsync(RandomGridFolder folder, WeightType type)
    {
        string tests = FindUp("tests/llama");
        if (!Directory.Exists(Path.Combine(tests, "node_modules")))
        {
            Console.WriteLine("llama.cpp: install it first, npm install --prefix tests/llama --omit=optional --no-package-lock");
            return;
        }

        string file = Path.Combine(folder.Path, "path-0.gguf");
        ExportType stored = type switch { WeightType.Bf16 => ExportType.Bf16, WeightType.Q8 => ExportType.Q80, _ => ExportType.F32 };
        ServedGrid grid = ServedGrid.Open(folder.Path);
        if (grid.Description.Shape.Activation != Core.Activation.SwiGlu)
        {
            Console.WriteLine("llama.cpp: it has no Llama with this activation");
            return;
        }

        await ModelExport.ExportPathAsync(grid, new PathId(0), ExportFormat.Gguf, stored, file, CancellationToken.None);
        await using ServingHost host = await HostAsync(folder, type, 64, TimeSpan.FromHours(1));
        using HttpClient client = new() { BaseAddress = new Uri(host.Address, "/") };
        List<(double Ours, double Theirs)> pairs = [];
        for (int round = 0; round < 4; round++)
        {
            List<double> times = await StreamAsync(client, Prompt(round)[..16], 128);
            double ours = (times.Count - 1) / (times[^1] - times[0]);
            pairs.Add((ours, await LlamaRateAsync(tests, file)));
        }

        double best = pairs.Max(pair => pair.Theirs);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"one stream over HTTP: {pairs.Max(pair => pair.Ours):F1} tokens/s; llama.cpp ({stored}, {Environment.ProcessorCount} threads) {best:F1}: {pairs.Max(pair => pair.Ours) / best:F2} (medians {Median([.. pairs.Select(pair => pair.Ours)]):F1}, {Median([.. pairs.Select(pair => pair.Theirs)]):F1})"));
    }

    private static async Task<double> LlamaRateAsync(string tests, string file)
    {
        using Process process = Process.Start(new ProcessStartInfo("node", [Path.Combine(tests, "speed.mjs"), file, string.Join(',', Prompt(0)[..16]), "128", $"{Environment.ProcessorCount}"]) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return JsonDocument.Parse(output).RootElement.GetProperty("tokensPerSecond").GetDouble();
    }

    private static string Name(WeightType type) => type switch { WeightType.Bf16 => "bf16", WeightType.Q8 => "int8", _ => "fp32" };

    private static string FindUp(string relative)
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !Directory.Exists(Path.Combine(at.FullName, relative)))
        {
            at = at.Parent;
        }

        return Path.Combine(at?.FullName ?? "", relative);
    }
}
