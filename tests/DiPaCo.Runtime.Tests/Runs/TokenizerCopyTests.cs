using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tests.Support;
using DiPaCo.Tests;
using Microsoft.ML.Tokenizers;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>A run's tokenizer as a file that other programs read: the bytes of its blob, and no second truth.</summary>
public sealed class TokenizerCopyTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    private string Copy => _runs.File(Path.Combine("run", "tokenizer.json"));

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task TrainedTokenizer_LiesInTheRunsFolder_AndEncodesAlikeInMicrosoftMLTokenizers()
    {
        byte[] copy = await File.ReadAllBytesAsync(Path.Combine(reference.Folder, "tokenizer.json"), TestContext.Current.CancellationToken);
        TextTokenizer own = TokenizerFile.Load(copy);
        BpeTokenizer library = LibraryTokenizer.Read(copy);
        string text = await File.ReadAllTextAsync(reference.Runs.Corpus, TestContext.Current.CancellationToken);

        Assert.Equal(reference.View.Model!.Tokenizer, BlobHash.Of(copy));
        Assert.Equal(library.EncodeToIds(text), own.Encode(text));
        Assert.Equal(text, library.Decode(own.Encode(text)));
    }

    [Fact]
    public async Task LostCopy_OfAStoppedRun_AndOfAFinishedOne_IsMadeAgain()
    {
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished));
        byte[] copy = await File.ReadAllBytesAsync(Copy, TestContext.Current.CancellationToken);

        foreach (string state in (string[])["stopped", "finished"])
        {
            File.Delete(Copy);
            VerifyResult verified = await _runs.VerifyAsync("run");
            await _runs.TrainAsync("run");

            Assert.True(verified.IsSound, $"Nothing reads the copy, so a {state} run is sound without it.");
            Assert.Equal(copy, await File.ReadAllBytesAsync(Copy, TestContext.Current.CancellationToken));
        }

        Assert.Equal(reference.Contents, _runs.Contents("run"));
    }

    [Fact]
    public async Task CopyThatIsNotTheBlob_IsFoundByVerify_AndMadeAgainAfterARepair()
    {
        await _runs.TrainAsync("run");
        await File.AppendAllTextAsync(Copy, "\n", TestContext.Current.CancellationToken);

        VerifyResult found = await _runs.VerifyAsync("run");
        VerifyResult repaired = await _runs.VerifyAsync("run", repair: true);
        await _runs.TrainAsync("run");

        Assert.False(found.IsSound);
        Assert.Equal(new Damage("tokenizer.json", "not the run's tokenizer: its hash differs from the blob's", Repaired: false), Assert.Single(found.Damaged));
        Assert.True(repaired.IsSound);
        Assert.Equal(reference.Contents, _runs.Contents("run"));
    }

    [Fact]
    public async Task TiktokenFileOfTheUser_IsCopiedUnderItsOwnKindsName()
    {
        string given = _runs.File("bytes.tiktoken");
        File.WriteAllLines(given, Enumerable.Range(0, 256).Select(value => $"{Convert.ToBase64String([(byte)value])} {value}"));

        bool stopped = await _runs.TrainUntilAsync(
            "run", (_, runEvent) => runEvent is StageStarted { Stage: Stage.Phases },
            _runs.Config with { Tokenizer = new TokenizerOptions { File = given } });

        Assert.True(stopped);
        Assert.Equal(
            await File.ReadAllBytesAsync(given, TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(_runs.File(Path.Combine("run", "tokenizer.tiktoken")), TestContext.Current.CancellationToken));
        Assert.False(File.Exists(Copy));
    }
}
