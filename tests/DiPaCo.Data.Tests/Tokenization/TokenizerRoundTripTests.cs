using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Tests;
using Microsoft.ML.Tokenizers;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class TokenizerRoundTripTests
{
    private const string Sample =
        "The quick brown fox jumps over the lazy dog. The dog's owners weren't amused: they'd seen it 1000 times, in 2024 and 2025!\n" +
        "\tif (x == 10) { return x; }\r\nDer schnelle braune Fuchs — ÜBER den Hund. Le renard l'a vu déjà. 日本語の文章です。😀😀\n\n";

    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String,
        AnyOf("\r", "\0", "\u0001", "😀", "👩‍👩‍👧", "e\u0301\u0301", "\u200d", "\ufeff", "\uffff", "<|endoftext|>", "𝐀𝐁", "  \n ", " the", "'s", "日本語", "\u00a0", new string('=', 300))).Array[0, 8].Select(parts => Whole(string.Concat(parts)));

    [Fact]
    public async Task Decode_GivesTheTextBack()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(600, Sample, Sample);
        AnyText.Sample(text =>
        {
            int[] tokens = tokenizer.Encode(text);
            Assert.Equal(text, tokenizer.Decode(tokens));
            Assert.DoesNotContain(tokenizer.EndOfText, tokens);
            Assert.Equal(TextTokenizer.CountBytes(text), tokens.Sum(tokenizer.ByteCount));
        }, iter: 3000);
    }

    [Fact]
    public async Task HalfASurrogatePair_BecomesTheReplacementCharacter()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(300, Sample);

        Assert.Equal("a\ufffdb", tokenizer.Decode(tokenizer.Encode("a\ud83db")));
    }

    [Fact]
    public async Task EndOfText_HasNoText_AndUnknownTokensAreRefused()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(300, Sample);

        Assert.Equal("ab", tokenizer.Decode([tokenizer.EndOfText, .. tokenizer.Encode("ab"), tokenizer.EndOfText]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([tokenizer.VocabularySize]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
    }

    [Fact]
    public void OneLongText_LeavesNoRoomBehindIt()
    {
        BpeModel model = new()
        {
            Tokens = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value })], ByteTokens = [.. Enumerable.Range(0, 256)],
            Merges = new Dictionary<long, (int, int)>(), Splitter = new Gpt2Splitter(), EndOfText = 0, SpecialTokens = [],
        };
        BpeEncoder encoder = new(model, null);
        foreach (string text in (ReadOnlySpan<string>)[new string('a', 100_000), string.Concat(Enumerable.Repeat("a ", 100_000))])
        {
            List<int> tokens = [];
            encoder.Encode(text, tokens);
            Assert.Equal(text.Length, tokens.Sum(token => model.Tokens[token]!.Length));
            Assert.InRange(encoder.Room, 0, 1 << 16);
        }
    }

    [Fact]
    public async Task LongPieces_AreMergedAsShortOnes()
    {
        // Random words give merges of every kind: with the symbol before, the symbol after, and both.
        var random = new RandomStream(1, "words");
        string Word(int length) => new([.. Enumerable.Range(0, length).Select(_ => "abc"[random.NextInt32(3)])]);
        TextTokenizer tokenizer = await Documents.TrainAsync(700, string.Join(' ', Enumerable.Range(0, 500).Select(_ => Word(12))));
        for (int length = 2; length < 200; length++)
        {
            string word = Word(length);
            Assert.Equal(NaiveEncode(tokenizer, word), tokenizer.Encode(word));
        }
    }

    [Fact]
    public async Task ManyThreads_GiveTheSameTokens()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(600, Sample);
        int[] expected = tokenizer.Encode(Sample);

        Parallel.For(0, 200, _ => Assert.Equal(expected, tokenizer.Encode(Sample)));
    }

    [Fact]
    public async Task ReloadedFile_IsTheSameTokenizer()
    {
        TextTokenizer tokenizer = await Documents.TrainAsync(500, Sample);
        TextTokenizer reloaded = TokenizerFile.Load(tokenizer.File.ToArray());

        Assert.Equal(tokenizer.Encode(Sample), reloaded.Encode(Sample));
        Assert.Equal(tokenizer.VocabularySize, reloaded.VocabularySize);
    }

    [Fact]
    public async Task TrainedFile_EncodesAlikeInMicrosoftMLTokenizers_OnRealText()
    {
        var texts = new List<string>();
        await foreach (Document document in Data.Corpus.Open(new CorpusOptions { Paths = [SharedData.C4] }).ReadAsync(new CorpusReport(), CancellationToken.None))
        {
            texts.Add(document.Text);
        }

        TextTokenizer tokenizer = await new BpeTrainer(new BpeTrainerOptions { VocabularySize = 2000 }).TrainAsync(Documents.Of(texts), CancellationToken.None);
        BpeTokenizer library = LibraryTokenizer.Read(tokenizer.File);
        foreach (string text in texts.Where(text => !text.Any(char.IsSurrogate)))
        {
            Assert.Equal(library.EncodeToIds(text), tokenizer.Encode(text));
        }
    }

    [Fact]
    public async Task Tiktoken_EncodesAsMicrosoftMLTokenizersDoes()
    {
        TextTokenizer trained = await Documents.TrainAsync(900, Sample, string.Concat(Enumerable.Repeat(Sample, 3)));
        var lines = new StringBuilder();
        for (int token = 1; token < trained.VocabularySize; token++)
        {
            lines.Append(CultureInfo.InvariantCulture, $"{Convert.ToBase64String(trained.DecodeBytes([token]))} {token - 1}\n");
        }

        byte[] file = Encoding.UTF8.GetBytes(lines.ToString());
        TextTokenizer tokenizer = TokenizerFile.Load(file);
        var pattern = new System.Text.RegularExpressions.Regex(Gpt2Splitter.Pattern);
        TiktokenTokenizer library = TiktokenTokenizer.Create(new MemoryStream(file), new RegexPreTokenizer(pattern, null), null);

        Assert.Equal(library.EncodeToIds(Sample), tokenizer.Encode(Sample));
        Assert.Equal(trained.VocabularySize - 1, tokenizer.EndOfText);
        AnyText.Sample(text => Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text))), iter: 500);
    }

    private static List<int> NaiveEncode(TextTokenizer tokenizer, string word)
    {
        List<int> tokens = [.. Encoding.UTF8.GetBytes(word).Select(b => 1 + b)];
        string[] text = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(token => Encoding.Latin1.GetString(tokenizer.DecodeBytes([token])))];
        using JsonDocument file = JsonDocument.Parse(tokenizer.File);
        foreach (JsonElement merge in file.RootElement.GetProperty("model").GetProperty("merges").EnumerateArray())
        {
            string[] pair = [.. merge.GetString()!.Split(' ').Select(part => Encoding.Latin1.GetString(ByteAlphabet.Read(part)!))];
            for (int i = 0; i + 1 < tokens.Count; i++)
            {
                if (text[tokens[i]] == pair[0] && text[tokens[i + 1]] == pair[1])
                {
                    tokens[i] = Array.IndexOf(text, pair[0] + pair[1]);
                    tokens.RemoveAt(i + 1);
                }
            }
        }

        return tokens;
    }

    private static Gen<string> AnyOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
