using System.Text.Json;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void NewRun_CanBeOpenedAgainAndRead()
    {
        string folder = _folder.File("runs/first");
        using (RunFolder run = Open(folder, """{"seed":1,"levels":[{"experts":2}]}"""))
        {
            Assert.True(run.IsNew);
            Assert.Equal(folder, run.Lock.Folder);
            Assert.Equal("the user's text", File.ReadAllText(run.Paths.Configuration));
        }

        using RunFolder again = Open(folder, """{"levels":[{"experts":2.0}],"seed":1}""");
        Assert.False(again.IsNew);
        using var reading = RunFolder.OpenForReading(folder);

        Assert.True(RunFolder.Exists(folder));
        Assert.Equal(("0.1.0", RunInfo.CurrentFormatVersion), (reading.Info.CreatedBy, reading.Info.FormatVersion));
        Assert.Equal(again.Info.ConfigHash, reading.Info.ConfigHash);
        Assert.Throws<InvalidOperationException>(() => reading.Lock);
    }

    [Fact]
    public void RunThatCannotBegin_LeavesNothingBehind_AndCanBeginLater()
    {
        string folder = _folder.File("runs/full");
        RunInfo wanted = RunInfo.Of("0.1.0", JsonSerializer.Deserialize<JsonElement>("{}"));

        Assert.Throws<IOException>(() => RunFolder.OpenOrCreate(folder, wanted, "text", [], new FullDisk()));

        Assert.False(Directory.Exists(folder));
        Open(folder, "{}").Dispose();
        Assert.True(RunFolder.Exists(folder));
    }

    [Fact]
    public void RunOfAnotherArithmetic_IsRefused_InsteadOfBeginningAnew()
    {
        string folder = _folder.File("run");
        Open(folder, "{}").Dispose();
        string info = Path.Combine(folder, "run.json");
        string current = $"\"arithmeticVersion\": {DiPaCo.Runtime.Tasks.TaskSpec.ArithmeticVersion}";
        string text = File.ReadAllText(info);
        Assert.Contains(current, text, StringComparison.Ordinal);
        File.WriteAllText(info, text.Replace(current, "\"arithmeticVersion\": 1", StringComparison.Ordinal));

        StorageException refusal = Assert.Throws<StorageException>(() => Open(folder, "{}"));

        Assert.Contains("was computed with version 1 of the arithmetic", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--run", refusal.Message, StringComparison.Ordinal);
    }

    private sealed class FullDisk : IStorageSteps
    {
        public void Reached(StorageStep done, string path)
        {
            if (done == StorageStep.TemporaryWritten)
            {
                throw new IOException("No space left on device");
            }
        }
    }

    [Fact]
    public void ChangedConfiguration_IsRefusedWithEveryKeyThatDiffers()
    {
        string folder = _folder.File("run");
        Open(folder, """{"seed":1,"levels":[{"experts":2},{"experts":2}],"data":{"path":"a","field":"text"},"device":"cpu"}""").Dispose();

        ConfigurationChangedException exception = Assert.Throws<ConfigurationChangedException>(
            () => Open(folder, """{"seed":2,"levels":[{"experts":4}],"data":{"path":"a","extra":null},"device":"cuda"}"""));

        Assert.Equal(
            [
                "seed: 1 in the run, 2 now",
                "levels[0].experts: 2 in the run, 4 now",
                """levels[1]: {"experts":2} in the run, absent now""",
                """data.field: "text" in the run, absent now""",
                "data.extra: absent in the run, null now",
            ],
            exception.Differences.Select(difference => difference.ToString()));
        Assert.StartsWith($"The run '{folder}' began with another configuration:{Environment.NewLine}  seed: 1 in the run, 2 now", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(
            $"Restore these values to continue the run, or give the new configuration a folder of its own (--run). Nothing has been trained in this one yet: delete the folder '{folder}', and the same command begins anew there.",
            exception.Message, StringComparison.Ordinal);
        Open(folder, """{"seed":1,"levels":[{"experts":2},{"experts":2}],"data":{"path":"a","field":"text"},"device":"cuda"}""").Dispose();
    }

    [Theory]
    [InlineData("device", true)]
    [InlineData("device.index", true)]
    [InlineData("device[0]", true)]
    [InlineData("devices", false)]
    [InlineData("data.device", false)]
    public void FreeKey_FreesItselfAndWhatIsBelow(string key, bool free) =>
        Assert.Equal(free, ConfigurationComparison.IsWithin(new ConfigurationDifference(key, "1", "2"), ["threads", "device"]));

    [Fact]
    public void FolderWithSomethingElse_IsRefusedAndLeftAsItIs()
    {
        File.WriteAllText(_folder.File("thesis.tex"), "");

        StorageException exception = Assert.Throws<StorageException>(() => Open(_folder.Path, "{}"));

        Assert.Equal($"'{_folder.Path}' is not empty and not a run: it contains 'thesis.tex' and no run.json. Give an empty folder or a new one (--run).", exception.Message);
        Assert.Equal([_folder.File("thesis.tex")], Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void FileInPlaceOfTheFolder_IsRefused()
    {
        File.WriteAllText(_folder.File("run"), "");

        Assert.Contains("is a file", Assert.Throws<StorageException>(() => Open(_folder.File("run"), "{}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FolderThatIsNoRun_CannotBeRead() =>
        Assert.Contains("is not a run", Assert.Throws<StorageException>(() => RunFolder.OpenForReading(_folder.Path)).Message, StringComparison.Ordinal);

    [Fact]
    public void RunInUse_IsRefusedButCanBeRead()
    {
        using RunFolder run = Open(_folder.Path, "{}");

        Assert.Throws<RunLockedException>(() => Open(_folder.Path, "{}"));
        RunFolder.OpenForReading(_folder.Path).Dispose();
    }

    [Fact]
    public async Task RunThatIsOnlyLookedAt_CanAlwaysBeOpened()
    {
        Open(_folder.Path, "{}").Dispose();
        using CancellationTokenSource looking = new();
        Task looker = Task.Run(
            () =>
            {
                while (!looking.IsCancellationRequested)
                {
                    RunLock.IsHeld(_folder.Path);
                }
            },
            TestContext.Current.CancellationToken);

        for (int i = 0; i < 300; i++)
        {
            Open(_folder.Path, "{}").Dispose();
        }

        await looking.CancelAsync();
        await looker;
    }

    [Fact]
    public void ChangedOrUnknownRunInformation_IsRefused()
    {
        Open(_folder.Path, """{"seed":1}""").Dispose();
        string path = _folder.File("run.json");
        string json = File.ReadAllText(path);

        Assert.Contains("was changed", Refusal(json.Replace("\"seed\": 1", "\"seed\": 2", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("has format version 7; this dipaco reads version 3", Refusal("""{"formatVersion":7}"""), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal(json[..^10]), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal("null"), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal(""), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal("{}"), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal("""{"formatVersion":3,"createdBy":"x","config":{}}"""), StringComparison.Ordinal);
        Assert.Contains("is damaged", Refusal("""{"formatVersion":3,"formatVersion":3}"""), StringComparison.Ordinal);

        string Refusal(string content)
        {
            File.WriteAllText(path, content);
            return Assert.Throws<StorageException>(() => Open(_folder.Path, """{"seed":1}""")).Message;
        }
    }

    [Fact]
    public void LeftoversOfAKilledProcess_AreRemovedWhenTheRunIsOpened()
    {
        Open(_folder.Path, "{}").Dispose();
        Directory.CreateDirectory(_folder.File("blobs"));
        string[] leftovers = [_folder.File($"dipaco-{Guid.NewGuid():N}.tmp"), _folder.File($"blobs/dipaco-{Guid.NewGuid():N}.tmp")];
        Array.ForEach(leftovers, leftover => File.WriteAllText(leftover, "half"));

        Open(_folder.Path, "{}").Dispose();

        Assert.DoesNotContain(leftovers, File.Exists);
    }

    [Fact]
    public void CanonicalJson_IgnoresOrderAndWhiteSpaceOnly()
    {
        Assert.Equal(Hash("""{ "b": [1, {"y":0,"x":0}], "a": "ü" }"""), Hash("""{"a":"\u00fc","b":[1,{"x":0,"y":0}]}"""));
        Assert.NotEqual(Hash("[1,2]"), Hash("[2,1]"));

        static string Hash(string json) => CanonicalJson.Hash(Json(json)).Hex;
    }

    private static RunFolder Open(string folder, string config) =>
        RunFolder.OpenOrCreate(folder, RunInfo.Of("0.1.0", Json(config)), "the user's text", ["device", "threads"]);

    private static JsonElement Json(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
