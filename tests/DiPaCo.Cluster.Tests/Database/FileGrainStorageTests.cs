using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Runtime.Storage;
using Orleans.Storage;
using Xunit;

namespace DiPaCo.Cluster.Tests.Database;

public sealed class FileGrainStorageTests : IDisposable
{
    private static readonly GrainId Grain = GrainId.Create("test", "../../one");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AState_ComesBackAsItWasWritten_FromAFileInTheFolder()
    {
        GrainState<DispatcherMemory> state = new(new DispatcherMemory { Starts = 7 });
        await new FileGrainStorage(_folder.Path).WriteStateAsync("dispatcher", Grain, state);

        GrainState<DispatcherMemory> read = new(new DispatcherMemory());
        await new FileGrainStorage(_folder.Path).ReadStateAsync("dispatcher", Grain, read);

        Assert.Equal(7, read.State!.Starts);
        Assert.Equal(state.ETag, read.ETag);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task AWriterThatKnowsAnOlderVersion_IsRefused()
    {
        FileGrainStorage storage = new(_folder.Path);
        GrainState<DispatcherMemory> first = new(new DispatcherMemory { Starts = 1 });
        await storage.WriteStateAsync("dispatcher", Grain, first);
        GrainState<DispatcherMemory> second = new(new DispatcherMemory());
        await storage.ReadStateAsync("dispatcher", Grain, second);
        await storage.WriteStateAsync("dispatcher", Grain, second);

        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("dispatcher", Grain, first));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("dispatcher", Grain, first));
        await storage.ClearStateAsync("dispatcher", Grain, second);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task AnyChangedByte_IsNoticed()
    {
        FileGrainStorage storage = new(_folder.Path);
        await storage.WriteStateAsync("dispatcher", Grain, new GrainState<DispatcherMemory>(new DispatcherMemory { Starts = 7 }));
        string file = Directory.GetFiles(_folder.Path).Single();
        byte[] bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        for (int at = 0; at <= bytes.Length; at++)
        {
            byte[] changed = at == bytes.Length ? [.. bytes, 1] : [.. bytes];
            if (at < bytes.Length)
            {
                changed[at] ^= 1;
            }

            await File.WriteAllBytesAsync(file, changed, TestContext.Current.CancellationToken);
            await Assert.ThrowsAsync<StorageException>(() => storage.ReadStateAsync("dispatcher", Grain, new GrainState<DispatcherMemory>(new DispatcherMemory())));
        }
    }
}
