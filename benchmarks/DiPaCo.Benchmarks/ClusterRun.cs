using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DiPaCo.Cluster;
using DiPaCo.Core;

namespace DiPaCo.Benchmarks;

/// <summary>A run in a folder of its own, on text made here, in one process or on workers.</summary>
internal sealed partial class ClusterRun : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dipaco-benchmark-");
    private int _runs;

    /// <summary>Writes text and configuration.</summary>
    /// <param name="width">Of the transformer.</param>
    /// <param name="blocks">Of each of the two levels.</param>
    /// <param name="experts">Of each level.</param>
    /// <param name="phases">Phases.</param>
    /// <param name="steps">Inner steps of a phase.</param>
    public ClusterRun(int width, int blocks, (int First, int Second) experts, int phases, int steps)
    {
        RandomStream random = new(1, "words of a benchmark");
        string[] words = [.. Enumerable.Range(0, 5000).Select(_ => string.Concat(Enumerable.Range(0, 2 + random.NextInt32(8)).Select(_ => (char)('a' + random.NextInt32(26)))))];
        StringBuilder text = new();
        for (int document = 0; document < 3000; document++)
        {
            string body = string.Join(' ', Enumerable.Range(0, 100 + random.NextInt32(300)).Select(_ => words[random.NextInt32(words.Length)]));
            text.Append(JsonSerializer.Serialize(new { text = body, url = $"document-{document}" })).Append('\n');
        }

        File.WriteAllText(this["corpus.jsonl"], text.ToString());
        File.WriteAllText(this["run.yaml"], string.Create(CultureInfo.InvariantCulture, $$"""
            name: benchmark
            size: small
            device: cpu
            threads: 2
            data: { paths: corpus.jsonl }
            tokenizer: { vocabulary: 4096 }
            transformer: { width: {{width}}, sequence_length: 256 }
            topology:
              embedding: shared
              head: shared
              levels: [{ blocks: {{blocks}}, experts: {{experts.First}} }, { blocks: {{blocks}}, experts: {{experts.Second}} }]
            recipe: { base_steps: 20, phases: {{phases}}, inner_steps: {{steps}}, batch_sequences: 8, micro_batch_sequences: 8 }
            evaluation: { every_phases: {{phases}}, max_documents: 20, dense_equal_steps: false, dense_equal_flops: false, sample_tokens: 0 }

            """));
    }

    /// <summary>A path in the folder.</summary>
    public string this[string name] => Path.Combine(_folder.FullName, name);

    /// <summary>Trains in one process with two threads.</summary>
    public async Task<ClusterTime> AloneAsync()
    {
        string run = NewRun();
        using DipacoProcess process = DipacoProcess.Start("train", this["run.yaml"], "--run", run);
        await process.EndAsync();
        return TimeOf(run, cores: 1);
    }

    /// <summary>Trains on two workers of one thread each.</summary>
    /// <param name="link">Between each worker and the silo; null: nothing.</param>
    /// <param name="options">Further options of the workers.</param>
    /// <param name="meanwhile">Does something to the workers; gets them, and what starts one anew.</param>
    public async Task<ClusterTime> OnWorkersAsync(
        Func<int, ShapedLink>? link, string[] options, Func<DipacoProcess, DipacoProcess[], Func<int, DipacoProcess>, Task>? meanwhile = null)
    {
        string run = NewRun();
        using DipacoProcess silo = StartSilo(run);
        Invitation invitation = await InvitationAsync(silo);
        List<ShapedLink> links = [];
        string[] invitations = [.. Enumerable.Range(0, 2).Select(_ => Through(invitation, link, links))];
        DipacoProcess Start(int number) => StartWorker(invitations[number], $"{Path.GetFileName(run)}-{number}", options);
        DipacoProcess[] workers = [Start(0), Start(1)];
        try
        {
            await (meanwhile?.Invoke(silo, workers, Start) ?? Task.CompletedTask);
            await silo.EndAsync();
        }
        finally
        {
            Array.ForEach(workers, worker => worker.Dispose());
            links.ForEach(one => one.Dispose());
        }

        return TimeOf(run, cores: 2);
    }

    /// <summary>A process that only decides.</summary>
    public DipacoProcess StartSilo(string run) =>
        DipacoProcess.Start("train", this["run.yaml"], "--run", run, "--listen", "127.0.0.1:0", "--workers-only", "--lease", "2");

    /// <summary>What a silo invites workers with.</summary>
    public static async Task<Invitation> InvitationAsync(DipacoProcess silo) => Invitation.Read(InvitationText().Match((await silo.LineAsync("dipaco1.")).Line).Value);

    /// <summary>A worker of one thread.</summary>
    public DipacoProcess StartWorker(string invitation, string name, params string[] options) =>
        DipacoProcess.Start(["worker", "--join", invitation, "--name", name, "--threads", "1", "--device", "cpu", "--cache", this[$"cache-{name}"], .. options]);

    /// <summary>A new folder's name.</summary>
    public string NewRun() => this[$"run-{++_runs}"];

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private static string Through(Invitation invitation, Func<int, ShapedLink>? link, List<ShapedLink> links)
    {
        if (link is null)
        {
            return invitation.Write();
        }

        links.Add(link(invitation.Addresses[0].Port));
        return (invitation with { Addresses = [new UriBuilder(invitation.Addresses[0]) { Port = links[^1].Port }.Uri] }).Write();
    }

    /// <summary>How long the phases took, and for how long of that steps were made.</summary>
    private static ClusterTime TimeOf(string run, int cores)
    {
        using JsonDocument results = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(run, "results.json")));
        double wall = results.RootElement.GetProperty("timings").EnumerateArray()
            .Where(time => time.GetProperty("stage").GetString() == "phases")
            .Sum(time => TimeSpan.Parse(time.GetProperty("elapsed").GetString()!, CultureInfo.InvariantCulture).TotalSeconds);
        double steps = 0;
        long tokens = 0;
        HashSet<string> tasks = [];
        foreach (string line in File.ReadLines(Path.Combine(run, "metrics.jsonl")))
        {
            using JsonDocument metric = JsonDocument.Parse(line);
            if (metric.RootElement.TryGetProperty("loss", out _) && metric.RootElement.GetProperty("stage").GetString() == "phases")
            {
                steps += metric.RootElement.GetProperty("seconds").GetDouble();
                tokens += metric.RootElement.GetProperty("tokens").GetInt64();
                tasks.Add($"{metric.RootElement.GetProperty("path")} {metric.RootElement.GetProperty("phase")}");
            }
        }

        return new ClusterTime(wall, steps / cores, steps / tasks.Count, tokens);
    }

    [GeneratedRegex("dipaco1\\.[A-Za-z0-9_-]+")]
    private static partial Regex InvitationText();
}
