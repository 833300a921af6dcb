using System.Diagnostics;
using DiPaCo.Data;

namespace DiPaCo.Benchmarks;

/// <summary>Training a byte-level BPE tokenizer on a corpus, reading and unpacking included, against only reading it.</summary>
internal static class BpeTable
{
    public static async Task PrintAsync(string folder, int vocabulary)
    {
        Corpus corpus = Corpus.Open(new CorpusOptions { Paths = [folder] });
        long start = Stopwatch.GetTimestamp();
        long bytes = 0;
        await foreach (Document document in corpus.ReadAsync(new CorpusReport(), CancellationToken.None))
        {
            bytes += TextTokenizer.CountBytes(document.Text);
        }

        TimeSpan reading = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        TextTokenizer tokenizer = await new BpeTrainer(new BpeTrainerOptions { VocabularySize = vocabulary })
            .TrainAsync(corpus.ReadAsync(new CorpusReport(), CancellationToken.None), CancellationToken.None);
        TimeSpan training = Stopwatch.GetElapsedTime(start);
        Console.WriteLine($"byte-level BPE of {tokenizer.VocabularySize:N0} entries on {bytes / 1e6:F1} MB: {training.TotalSeconds:F1} s, {training / reading:F1} times reading the text ({reading.TotalSeconds:F1} s)");
    }
}
