using System.Text;
using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class TokenizerFileTests
{
    [Theory]
    [InlineData("{", "is not a Hugging Face tokenizer.json")]
    [InlineData("{}", "is not a Hugging Face tokenizer.json")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{}}}""", "is a WordPiece tokenizer without the ByteLevel step; only byte-level BPE gives every text back exactly.")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true},"model":{"type":"BPE","vocab":{},"merges":[]}}""", "adds a space before every text")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"normalizer":{"type":"Lowercase"},"model":{"type":"BPE","vocab":{},"merges":[]}}""", "changes text before it encodes it (normalizer Lowercase)")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{},"merges":[]}}""", "has an empty vocabulary")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""", "has no token for the byte 0x00")]
    [InlineData("""{"pre_tokenizer":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":2000000000},"merges":[]}}""", "ids must differ and lie in 0 … 2097151")]
    [InlineData("YQ== 0\nnonsense\n", "line 2, is not a line of a tiktoken file")]
    [InlineData("YQ== 0\nYg== 0\n", "gives the rank 0 to two tokens")]
    [InlineData("YQ== 0\n", "has no token for the byte 0x00")]
    [InlineData("something else", "is neither a tokenizer.json, nor a tiktoken file, nor a SentencePiece model")]
    [InlineData("", "has 0 bytes")]
    public void FilesThatCannotServe_AreRefusedWithTheReason(string file, string reason) =>
        Assert.Contains(reason, Assert.Throws<DiPaCoException>(() => TokenizerFile.Load(Encoding.UTF8.GetBytes(file))).Message);

    [Fact]
    public async Task EndOfText_IsTheCustomaryToken_AndMustExist()
    {
        byte[] file = (await Documents.TrainAsync(260, "text text")).File.ToArray();
        byte[] other = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(file).Replace("<|endoftext|>", "<|finis|>", StringComparison.Ordinal));

        Assert.Equal(0, TokenizerFile.Load(file).EndOfText);
        string message = Assert.Throws<DiPaCoException>(() => TokenizerFile.Load(other)).Message;
        Assert.Contains("has no special token <|endoftext|> or ", message);
        Assert.EndsWith("to begin and end documents with. Its special tokens: <|finis|>.", message);
    }

    /// <summary>Tokens are often added that are text like any other, and files that were edited by hand declare words to be special.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AddedTokens_ThatOrdinaryTextIsMadeOf_KeepItsBytes(bool special)
    {
        byte[] file = (await Documents.TrainAsync(300, "the cat and the hat and the mat")).File.ToArray();
        TextTokenizer original = TokenizerFile.Load(file);
        int word = Assert.Single(original.Encode("the"));
        string added = $$"""{"id":{{word}},"content":"the","special":{{(special ? "true" : "false")}}},{"id":{{original.VocabularySize}},"content":"<|tool é|>","special":false},""";
        string json = Encoding.UTF8.GetString(file);
        int at = json.IndexOf('[', json.IndexOf("\"added_tokens\"", StringComparison.Ordinal)) + 1;

        TextTokenizer tokenizer = TokenizerFile.Load(Encoding.UTF8.GetBytes(json[..at] + added + json[at..]));

        const string Text = "the cat and the hat, the other <|tool é|> and <|endoftext|>";
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text)));
        Assert.Equal(special ? 0 : 3, tokenizer.ByteCount(word));
        Assert.Equal(special, !tokenizer.Encode("the").Contains(word));
        Assert.Equal("<|tool é|>", tokenizer.Decode([original.VocabularySize]));
        Assert.Equal(0, tokenizer.ByteCount(tokenizer.EndOfText));
    }

    [Fact]
    public async Task MergeThatChangesText_IsRefused()
    {
        byte[] file = (await Documents.TrainAsync(262, "aaaa aaaa bbbb bbbb")).File.ToArray();
        string json = Encoding.UTF8.GetString(file);

        // U+2581 is no letter of the byte alphabet, so the token stands for its own characters, and 'Ġ' in it no longer for a space.
        string edited = json
            .Replace("\"vocab\": {", "\"vocab\": {\"▁\":9000,\"Ġ▁\":9001,", StringComparison.Ordinal)
            .Replace("\"merges\": [", "\"merges\": [\"Ġ ▁\",", StringComparison.Ordinal);
        Assert.NotEqual(json, edited);

        Assert.Contains("has a merge, number 0, that changes text: 'Ġ ▁'", Assert.Throws<DiPaCoException>(() => TokenizerFile.Load(Encoding.UTF8.GetBytes(edited))).Message);
    }

    [Fact]
    public async Task DamagedFiles_NeverCrash()
    {
        byte[] file = (await Documents.TrainAsync(265, "text text text text")).File.ToArray();
        Gen.Select(Gen.Int[0, file.Length - 1], Gen.Byte).Array[1, 3].Sample(changes =>
        {
            byte[] damaged = [.. file];
            foreach ((int at, byte value) in changes)
            {
                damaged[at] = value;
            }

            try
            {
                TextTokenizer tokenizer = TokenizerFile.Load(damaged);
                tokenizer.Decode(tokenizer.Encode("some text"));
            }
            catch (DiPaCoException)
            {
                // Refused: fine. Anything else fails the test.
            }
        }, iter: 2000);
    }
}
