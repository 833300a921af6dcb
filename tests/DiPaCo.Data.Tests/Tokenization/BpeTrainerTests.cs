using System.Text;
using System.Text.Json;
using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class BpeTrainerTests
{
    private const string Nursery =
        "Hey diddle diddle, the cat and the fiddle, the cow jumped over the moon; the little dog laughed to see such sport, " +
        "and the dish ran away with the spoon. aaaa aaaaa aaa abababab ababa — ééé 日本日本日本 👍👍👍 1111 2222 1111";

    [Fact]
    public async Task Trainer_MergesAsTheDefinitionSays() => await Gen.Char["abc é日"].Array[0, 60].Select(characters => new string(characters)).Array[1, 6].SampleAsync(async texts =>
    {
        string[] nonEmpty = [.. texts, "x"];
        Assert.Equal(NaiveMerges(nonEmpty, 300), await MergesAsync(300, nonEmpty));
    }, iter: 300);

    [Fact]
    public async Task Trainer_AgreesWithTheDefinition_OnProse() => Assert.Equal(NaiveMerges([Nursery], 360), await MergesAsync(360, Nursery));

    [Fact]
    public async Task ThreadsAndOrderOfDocuments_DoNotChangeAByte()
    {
        string[] texts = [.. Enumerable.Range(0, 50).Select(i => Nursery[(i % 40)..] + i)];
        var files = new List<byte[]>();
        foreach ((int threads, IEnumerable<string> order) in new[] { (1, texts), (2, texts), (5, texts.Reverse()) })
        {
            var trainer = new BpeTrainer(new BpeTrainerOptions { VocabularySize = 400, Threads = threads });
            files.Add((await trainer.TrainAsync(Documents.Of(order), CancellationToken.None)).File.ToArray());
        }

        Assert.Equal(files[0], files[1]);
        Assert.Equal(files[0], files[2]);
    }

    [Fact]
    public async Task LargeCorpus_IsSampled_TheSameWayEveryTime()
    {
        string[] texts = [.. Enumerable.Range(0, 400).Select(i => $"document {i * 7919} says {i * 104729}")];
        var options = new BpeTrainerOptions { VocabularySize = 400, MaximumSampleBytes = 3000 };

        TextTokenizer one = await new BpeTrainer(options with { Threads = 1 }).TrainAsync(Documents.Of(texts), CancellationToken.None);
        TextTokenizer two = await new BpeTrainer(options with { Threads = 3 }).TrainAsync(Documents.Of(texts), CancellationToken.None);
        TextTokenizer all = await new BpeTrainer(options with { MaximumSampleBytes = 1 << 20 }).TrainAsync(Documents.Of(texts), CancellationToken.None);

        Assert.Equal(one.File.ToArray(), two.File.ToArray());
        Assert.NotEqual(one.File.ToArray(), all.File.ToArray());
    }

    [Fact]
    public async Task LittleText_GivesAsManyEntriesAsItRepeatsItself()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(8192, "abab");

        // "ab" twice, then nothing occurs twice.
        Assert.Equal(258, tokenizer.VocabularySize);
        Assert.Equal(0, tokenizer.EndOfText);
        Assert.Equal([257, 257], tokenizer.Encode("abab"));
        Assert.Equal([1 + 'b', 1 + 'a'], tokenizer.Encode("ba"));
    }

    [Fact]
    public async Task ImpossibleTraining_IsRefused()
    {
        Assert.Contains("at least 257", Assert.Throws<DiPaCoException>(() => new BpeTrainer(new BpeTrainerOptions { VocabularySize = 256 })).Message);
        Assert.Contains("no text", (await Assert.ThrowsAsync<DiPaCoException>(() => Documents.TrainAsync(300))).Message);
    }

    private static async Task<string[]> MergesAsync(int vocabularySize, params string[] texts)
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(vocabularySize, texts);
        using JsonDocument file = JsonDocument.Parse(tokenizer.File);
        return [.. file.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(merge => merge.GetString()!)];
    }

    /// <summary>Byte-pair encoding as it is defined: count all pairs, merge the most frequent everywhere, start over.</summary>
    private static string[] NaiveMerges(string[] texts, int vocabularySize)
    {
        var words = new List<List<int>>();
        foreach (string text in texts)
        {
            var ends = new List<int>();
            new Gpt2Splitter().Split(text, ends);
            words.AddRange(ends.Select((end, i) => Encoding.UTF8.GetBytes(text[(i == 0 ? 0 : ends[i - 1])..end]).Select(b => 1 + b).ToList()));
        }

        List<string> names = ["<|endoftext|>", .. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b).ToString())];
        var merges = new List<string>();
        while (names.Count < vocabularySize)
        {
            (int Left, int Right, int Count) best = words
                .SelectMany(word => word.Zip(word.Skip(1)))
                .GroupBy(pair => pair)
                .Select(group => (group.Key.First, group.Key.Second, group.Count()))
                .OrderByDescending(pair => pair.Item3).ThenBy(pair => pair.First).ThenBy(pair => pair.Second)
                .FirstOrDefault();
            if (best.Count < 2)
            {
                break;
            }

            merges.Add($"{names[best.Left]} {names[best.Right]}");
            names.Add(names[best.Left] + names[best.Right]);
            foreach (List<int> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == best.Left && word[i + 1] == best.Right)
                    {
                        word[i] = names.Count - 1;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }

        return [.. merges];
    }
}
