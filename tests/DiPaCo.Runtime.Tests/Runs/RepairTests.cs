using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>Damage is never computed with: it is named, and what can be computed again is.</summary>
public sealed class RepairTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public enum Kind
    {
        FlippedBit,
        Truncated,
        Missing,
    }

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(Kind.FlippedBit)]
    [InlineData(Kind.Missing)]
    public async Task DamagedModuleOfAFinishedRun_IsRefusedByTrain_AndMadeAgain(Kind kind)
    {
        RunResults results = await _runs.TrainAsync("run");
        RunView run = new(_runs.File("run"));
        BlobHash blob = run.Model!.Modules.Values.First();
        Break(run.FileOf(blob), kind);

        DiPaCoException refusal = await Assert.ThrowsAnyAsync<DiPaCoException>(() => _runs.TrainAsync("run"));
        await _runs.VerifyAsync("run", repair: true);
        RunResults again = await _runs.TrainAsync("run");

        Assert.Contains(blob.Hex, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("dipaco verify", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(results.ModelDigest, again.ModelDigest);
    }

    [Theory]
    [InlineData(Kind.FlippedBit)]
    [InlineData(Kind.Truncated)]
    [InlineData(Kind.Missing)]
    public async Task DamagedModule_IsRefusedByTrain_NamedByVerify_AndRepaired(Kind kind)
    {
        await StopInTheLastPhaseAsync();
        RunView run = new(_runs.File("run"));
        (string module, BlobHash blob) = run.Model!.Modules.First();
        Break(run.FileOf(blob), kind);

        DiPaCoException refusal = await Assert.ThrowsAnyAsync<DiPaCoException>(() => _runs.TrainAsync("run"));
        VerifyResult found = await _runs.VerifyAsync("run");
        VerifyResult repaired = await _runs.VerifyAsync("run", repair: true);
        VerifyResult after = await _runs.VerifyAsync("run");
        await _runs.TrainAsync("run");

        Assert.Contains(blob.Hex, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("dipaco verify", refusal.Message, StringComparison.Ordinal);
        Damage damage = Assert.Single(found.Damaged);
        Assert.Equal($"module {module}, version 1 ({blob.Hex[..12]}…)", damage.What);
        Assert.Equal(kind == Kind.Missing ? "missing" : "hash differs", damage.Problem);
        Assert.False(found.IsSound);
        Assert.Equal([damage with { Repaired = true }], repaired.Damaged);
        Assert.True(repaired.IsSound);
        Assert.Empty(after.Damaged);
        AssertSameAsReference("run");
    }

    /// <summary>Each output of each kind of task that a run in its last phase still holds.</summary>
    [Fact]
    public async Task AnyBlobOfAHalfFinishedRun_CanBeLost_AndIsMadeAgainByteForByte()
    {
        await StopInTheLastPhaseAsync();
        foreach ((string what, BlobHash blob) in OneOfEach(new RunView(_runs.File("run"))))
        {
            await LoseAndTrainAsync(what, [blob]);
        }
    }

    [Fact]
    public async Task AnyBlobOfAFinishedRun_CanBeLost_AndIsMadeAgainByteForByte()
    {
        await _runs.TrainAsync("run");
        foreach ((string what, BlobHash blob) in OneOfEach(new RunView(_runs.File("run"))))
        {
            await LoseAndTrainAsync(what, [blob]);
        }
    }

    [Fact]
    public async Task EveryBlobAtOnce_CanBeLost_AsLongAsTheTextIsThere()
    {
        await StopInTheLastPhaseAsync();

        await LoseAndTrainAsync("everything", [.. new RunView(_runs.File("run")).Expected]);
    }

    [Fact]
    public async Task LostTokens_OfATextThatHasChangedSince_AreRefused_InsteadOfTrainingOnOthers()
    {
        await StopInTheLastPhaseAsync();
        RunView run = new(_runs.File("run"));
        File.Delete(run.FileOf(run.Only("corpus").Outputs["manifest"]));
        File.Delete(run.FileOf(run.Model!.Chunks[0]));
        await _runs.VerifyAsync("run", repair: true);
        File.WriteAllLines(_runs.Corpus, SmallCorpus.Lines(240, seed: 2));

        DiPaCoException refusal = await Assert.ThrowsAnyAsync<DiPaCoException>(() => _runs.TrainAsync("run"));

        Assert.Contains("(corpus) was computed again and gave other bytes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Restore the text", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DamagedModelFile_IsFound_AndWrittenAnew()
    {
        await _runs.TrainAsync("run");
        string file = _runs.File(Path.Combine("run", "model.json"));
        string digest = reference.Results.ModelDigest;
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace(digest, new string('0', 64), StringComparison.Ordinal));

        VerifyResult found = await _runs.VerifyAsync("run", repair: true);
        await _runs.TrainAsync("run");

        Assert.Equal(["model.json", "results.json"], found.Damaged.Select(damage => damage.What));
        AssertSameAsReference("run");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ModelFileThatAgreesWithItself_ButNotWithTheJournal_IsFound_AndWrittenAnew(bool foreign)
    {
        await StopInTheLastPhaseAsync();
        RunView run = new(_runs.File("run"));
        ModelFile model = run.Model!;
        ImmutableSortedDictionary<string, BlobHash> modules = foreign
            ? model.Modules.SetItem("level1.expert0", BlobHash.Of("not a module"u8))
            : model.Modules.SetItem("level1.expert0", model.Modules["level1.expert1"]).SetItem("level1.expert1", model.Modules["level1.expert0"]);
        ModelFile edited = model with { Modules = modules };
        (edited with { ModelDigest = edited.ComputeDigest() }).Write(run.Paths, SilentStorageSteps.Instance);

        VerifyResult found = await _runs.VerifyAsync("run");
        VerifyResult repaired = await _runs.VerifyAsync("run", repair: true);
        await _runs.TrainAsync("run");

        Assert.False(found.IsSound);
        Assert.All(found.Damaged, damage => Assert.Equal("model.json", damage.What));
        Assert.Equal(foreign ? 2 : 1, found.Damaged.Length);
        Assert.Contains(
            foreign ? "as module level1.expert0, a blob that the journal does not have" : "not those that phase 1 ended with",
            found.Damaged[0].Problem, StringComparison.Ordinal);
        Assert.True(repaired.IsSound);
        AssertSameAsReference("run");
    }

    /// <summary>With an empty journal in its place the run would begin anew and delete every blob.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunThatLostItsJournal_IsRefusedByTrain_AndBeyondRepair(bool withModel)
    {
        await StopInTheLastPhaseAsync();
        string folder = _runs.File("run");
        File.Delete(Path.Combine(folder, "journal.jsonl"));
        if (!withModel)
        {
            File.Delete(Path.Combine(folder, "model.json"));
            File.Delete(Path.Combine(folder, "metrics.jsonl"));
        }

        string[] before = _runs.Contents("run");

        StorageException refusal = await Assert.ThrowsAsync<StorageException>(() => _runs.TrainAsync("run"));
        VerifyResult found = await _runs.VerifyAsync("run");
        VerifyResult repaired = await _runs.VerifyAsync("run", repair: true);

        Assert.Contains($"{Path.Combine(folder, "journal.jsonl")}' is missing", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Restore the file from a copy of the run, or train into another folder (--run)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, _runs.Contents("run"));
        foreach (VerifyResult result in new[] { found, repaired })
        {
            Damage damage = Assert.Single(result.Damaged);
            Assert.Equal(("journal.jsonl", false, false), (damage.What, damage.Repaired, damage.Repairable));
            Assert.Equal($"missing, although there is '{(withModel ? "metrics.jsonl" : "blobs")}': restore it from a copy of the run, or train into another folder", damage.Problem);
            Assert.False(result.IsSound);
            Assert.Equal(withModel, result.Blobs > 0);
        }
    }

    [Fact]
    public async Task FinishedRunWithoutModelFile_IsRefused_AndGetsItBack()
    {
        await _runs.TrainAsync("run");
        File.Delete(_runs.File(Path.Combine("run", "model.json")));

        DiPaCoException[] refusals =
        [
            await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run")),
            await Assert.ThrowsAsync<DiPaCoException>(() => RunEngine.StatusAsync(_runs.File("run"), CancellationToken.None)),
            await Assert.ThrowsAsync<DiPaCoException>(() => EvaluateAsync("run")),
        ];
        VerifyResult found = await _runs.VerifyAsync("run");
        await _runs.VerifyAsync("run", repair: true);
        await _runs.TrainAsync("run");

        Assert.All(refusals, refusal => Assert.Contains($"'dipaco verify {_runs.File("run")} --repair'", refusal.Message, StringComparison.Ordinal));
        Assert.Equal(("model.json", false), (Assert.Single(found.Damaged).What, found.IsSound));
        AssertSameAsReference("run");
    }

    [Fact]
    public async Task UnfinishedRunWithoutModelFile_IsRefusedByEval_AndGetsItBackBeforeTheNextPhaseEnds()
    {
        await StopInTheLastPhaseAsync();
        string file = _runs.File(Path.Combine("run", "model.json"));
        byte[] model = await File.ReadAllBytesAsync(file);
        File.Delete(file);

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => EvaluateAsync("run"));
        await StopInTheLastPhaseAsync();

        Assert.Contains("has no model.json, although phases of it have ended", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(model, await File.ReadAllBytesAsync(file));
        await _runs.TrainAsync("run");
        AssertSameAsReference("run");
    }

    [Fact]
    public async Task SoundRun_IsLeftAlone()
    {
        string[] before = reference.Contents;

        VerifyResult result = await reference.Runs.VerifyAsync("reference", repair: true);

        Assert.Empty(result.Damaged);
        Assert.Equal(before, reference.Contents);
        Assert.True(File.Exists(Path.Combine(reference.Folder, ResultsFile.FileName)));
    }

    [Fact]
    public async Task RunInUse_IsNotRepaired()
    {
        await StopInTheLastPhaseAsync();
        using RunLock held = RunLock.Acquire(_runs.File("run"));

        await Assert.ThrowsAsync<RunLockedException>(() => _runs.VerifyAsync("run", repair: true));
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
    }

    /// <summary>Loses blobs in a copy of the run, repairs it and trains it to its end.</summary>
    private async Task LoseAndTrainAsync(string what, IReadOnlyList<BlobHash> blobs)
    {
        CopyFolder(_runs.File("run"), _runs.File("copy"));
        foreach (BlobHash blob in blobs)
        {
            Break(new RunView(_runs.File("copy")).FileOf(blob), Kind.Missing);
        }

        VerifyResult result = await _runs.VerifyAsync("copy", repair: true);
        Assert.Equal(blobs.Count, result.Damaged.Length);
        try
        {
            await _runs.TrainAsync("copy");
            AssertSameAsReference("copy");
        }
        catch (DiPaCoException exception)
        {
            Assert.Fail($"After the loss of {what}: {exception.Message}");
        }

        Directory.Delete(_runs.File("copy"), recursive: true);
    }

    /// <summary>All but the journal, which tells of the loss.</summary>
    private void AssertSameAsReference(string name)
    {
        Assert.Equal(WithoutJournal(reference.Contents), WithoutJournal(_runs.Contents(name)));
        RunView run = new(_runs.File(name));
        Assert.Equal(reference.View.Expected.Order(), run.Expected.Order());
        Assert.Equal(Keys(reference.View), Keys(run));

        static IEnumerable<string> WithoutJournal(string[] contents) =>
            contents.Where(file => !file.StartsWith("journal.jsonl", StringComparison.Ordinal));

        static IEnumerable<string> Keys(RunView run) =>
            run.Entries.Where(entry => entry.Kind != ForgottenTask.Kind).Select(entry => entry.Key).Order(StringComparer.Ordinal);
    }

    private static IEnumerable<(string What, BlobHash Blob)> OneOfEach(RunView run) => run.Entries
        .SelectMany(entry => entry.Outputs.Select(output => (What: $"{entry.Kind}: {new string([.. output.Key.Where(char.IsLetter)])}", Blob: output.Value)))
        .Where(output => run.Expected.Contains(output.Blob))
        .GroupBy(output => output.What)
        .Select(outputs => outputs.First());

    private Task<EvaluationResult> EvaluateAsync(string name) =>
        new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File(name), [], new SilentObserver(), CancellationToken.None);

    private async Task StopInTheLastPhaseAsync() => Assert.True(await _runs.TrainUntilAsync(
        "run", (_, runEvent) => runEvent is StepMade { Phase.Value: 1, Path.Value: 2 }));

    private static void Break(string file, Kind kind)
    {
        if (kind == Kind.Missing)
        {
            File.Delete(file);
            return;
        }

        using FileStream stream = File.Open(file, FileMode.Open);
        if (kind == Kind.Truncated)
        {
            stream.SetLength(stream.Length - 1);
            return;
        }

        stream.Position = stream.Length / 2;
        int value = stream.ReadByte();
        stream.Position--;
        stream.WriteByte((byte)(value ^ 1));
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
