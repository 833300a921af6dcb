using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.RunHost;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>A corpus is streamed: how large it is does not decide how much memory a run takes.</summary>
public sealed class LargeCorpusTests : IDisposable
{
    private const int HeapMegabytes = 224;
    private const int CorpusMegabytes = 288;

    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-test-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task CorpusLargerThanTheHeap_IsTrainedOn()
    {
        SmallRun.Prepare(_folder);
        string config = Path.Combine(_folder, "large.yaml");
        string yaml = await File.ReadAllTextAsync(Path.Combine(_folder, "small.yaml"), Cancellation);
        await File.WriteAllTextAsync(config, yaml.Replace("evaluation:\n", "evaluation:\n  max_documents: 4\n  max_validation_documents: 2\n", StringComparison.Ordinal)
            .Replace("sequence_length: 48", "sequence_length: 512", StringComparison.Ordinal), Cancellation);
        await WriteCorpusAsync(Path.Combine(_folder, "corpus.jsonl"));
        // The limit of the garbage collector's heap, in hexadecimal as .NET reads it: a process that exceeds it ends.
        ProcessStartInfo limited = new("dotnet");
        limited.Environment["DOTNET_GCHeapHardLimit"] = string.Create(CultureInfo.InvariantCulture, $"{HeapMegabytes << 20:X}");

        using TrainingProcess training = TrainingProcess.StartIn(limited, config, Path.Combine(_folder, "run"));
        string last = await training.EndAsync(Cancellation);

        Assert.StartsWith("finished", last, StringComparison.Ordinal);
    }

    private static async Task WriteCorpusAsync(string file)
    {
        RandomStream random = new(1, "large corpus");
        string[] words = [.. Enumerable.Range(0, 2000).Select(_ => string.Concat(Enumerable.Range(0, 2 + random.NextInt32(8)).Select(_ => (char)('a' + random.NextInt32(26)))))];
        await using StreamWriter writer = new(file);
        long written = 0;
        for (int document = 0; written < CorpusMegabytes << 20; document++)
        {
            string text = string.Join(' ', Enumerable.Range(0, 5000).Select(_ => words[random.NextInt32(words.Length)]));
            string line = JsonSerializer.Serialize(new { text, url = $"document/{document}" });
            await writer.WriteLineAsync(line);
            written += line.Length;
        }
    }
}
