using System.Text;
using System.Text.Json.Nodes;
using DiPaCo.Data;
using DiPaCo.Serving.Chat;
using DiPaCo.Serving.Chat.Templates;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Chat;

/// <summary>Which texts become special tokens, and which stay letters.</summary>
public sealed class MarkedTextEncoderTests(TrainedRun run)
{
    [Fact]
    public async Task OnlyATextThatTheTemplateWroteToTheLastLetterIsASpecialToken()
    {
        (TextTokenizer tokenizer, int first) = await TokenizerAsync();
        MarkedTextEncoder encoder = new(tokenizer, tokenizer.VocabularySize);
        MarkedText own = MarkedText.Own("a<|x|>b");
        Assert.Equal([.. tokenizer.Encode("a"), first, .. tokenizer.Encode("b")], encoder.Encode(own));
        Assert.Equal(tokenizer.Encode("a<|x|>b"), encoder.Encode(MarkedText.OfClient("a<|x|>b")));
        for (int foreign = 1; foreign < 6; foreign++)
        {
            bool[] marks = new bool[own.Length];
            marks[foreign] = true;
            Assert.Equal(tokenizer.Encode("a<|x|>b"), encoder.Encode(new MarkedText(own.Value, marks)));
        }
    }

    [Fact]
    public async Task TheLongestOfTheTokensThatBeginAtAPlaceIsTaken()
    {
        (TextTokenizer tokenizer, int first) = await TokenizerAsync();
        Assert.Equal([first + 1, first], new MarkedTextEncoder(tokenizer, tokenizer.VocabularySize).Encode(MarkedText.Own("<|x|><|x|><|x|>")));
    }

    [Fact]
    public async Task ATokenTakesTheSpaceThatItsTokenizerSays()
    {
        (TextTokenizer tokenizer, int first) = await TokenizerAsync();
        MarkedTextEncoder encoder = new(tokenizer, tokenizer.VocabularySize);
        Assert.Equal([.. tokenizer.Encode("a "), first + 2, .. tokenizer.Encode("b")], encoder.Encode(MarkedText.Own("a <right>\n b")));
        Assert.Equal([.. tokenizer.Encode("a"), first + 3, .. tokenizer.Encode(" b")], encoder.Encode(MarkedText.Own("a \n<left> b")));
    }

    [Fact]
    public async Task ATokenThatTheModelHasNoRowForIsLetters()
    {
        (TextTokenizer tokenizer, int first) = await TokenizerAsync();
        Assert.Equal(tokenizer.Encode("<left>"), new MarkedTextEncoder(tokenizer, first + 3).Encode(MarkedText.Own("<left>")));
    }

    private async Task<(TextTokenizer Tokenizer, int First)> TokenizerAsync()
    {
        JsonNode json = JsonNode.Parse(await run.Grid.ReadTokenizerFileAsync(TestContext.Current.CancellationToken))!;
        int first = (await run.Grid.LoadTokenizerAsync(TestContext.Current.CancellationToken)).VocabularySize;
        int id = first;
        foreach ((string content, string? flag) in new[] { ("<|x|>", null), ("<|x|><|x|>", null), ("<right>", "rstrip"), ("<left>", "lstrip") })
        {
            JsonObject token = new() { ["id"] = id++, ["content"] = content, ["special"] = true };
            if (flag is not null)
            {
                token[flag] = true;
            }

            json["added_tokens"]!.AsArray().Add(token);
        }

        return (TokenizerFile.Load(Encoding.UTF8.GetBytes(json.ToJsonString())), first);
    }
}
