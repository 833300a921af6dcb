using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

public sealed class FolderBlobStoreTests : BlobStoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderBlobStore _store;

    public FolderBlobStoreTests() => _store = new FolderBlobStore(_folder.File("blobs"));

    protected override IBlobStore Store => _store;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task DamagedBlob_IsRefusedWithFileAndBothHashes()
    {
        BlobHash hash = await _store.PutAsync(Bytes(1000), Cancellation);
        string path = await _store.GetFileAsync(hash, Cancellation);
        byte[] damaged = Bytes(1000);
        damaged[500] ^= 1;
        await File.WriteAllBytesAsync(path, damaged, Cancellation);

        DamagedBlobException exception = await Assert.ThrowsAsync<DamagedBlobException>(() => NewProcess().OpenReadAsync(hash, Cancellation));

        Assert.Equal((path, hash, BlobHash.Of(damaged)), (exception.File, exception.Expected, exception.Found));
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains("dipaco verify RUN", exception.Message, StringComparison.Ordinal);
        Assert.Equal(BlobCondition.Damaged, await _store.VerifyAsync(hash, Cancellation));
        Assert.Equal(BlobCondition.Damaged, await NewProcess().VerifyAsync(hash, Cancellation));
    }

    [Fact]
    public async Task DamageAfterTheFirstUse_IsNoticedBySizeOrTime()
    {
        BlobHash hash = await _store.PutAsync(Bytes(1000), Cancellation);
        string path = await _store.GetFileAsync(hash, Cancellation);
        await File.AppendAllTextAsync(path, "x", Cancellation);

        await Assert.ThrowsAsync<DamagedBlobException>(() => _store.GetFileAsync(hash, Cancellation));
    }

    [Fact]
    public async Task BlobOfTheWrongSize_IsReplacedWhenPutAgain()
    {
        BlobHash hash = await _store.PutAsync(Bytes(1000), Cancellation);
        await File.WriteAllBytesAsync(await _store.GetFileAsync(hash, Cancellation), Bytes(999), Cancellation);

        await NewProcess().PutAsync(Bytes(1000), Cancellation);

        Assert.Equal(BlobCondition.Intact, await _store.VerifyAsync(hash, Cancellation));
    }

    [Fact]
    public async Task OldBlobPutAgain_IsYoung()
    {
        var started = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        BlobHash hash = await _store.PutAsync(Bytes(10), Cancellation);
        File.SetLastWriteTimeUtc(await _store.GetFileAsync(hash, Cancellation), started.UtcDateTime.AddYears(-1));
        var later = new FolderBlobStore(_folder.File("blobs"), time: new FixedTime(started.AddSeconds(1)));

        await later.PutAsync(Bytes(10), Cancellation);
        GarbageReport report = await GarbageCollector.CollectAsync(later, new HashSet<BlobHash>(), started, Cancellation);

        Assert.Equal(1, report.KeptBlobs);
    }

    [Fact]
    public async Task StrangeFiles_AreNotBlobs()
    {
        BlobHash hash = await _store.PutAsync(Bytes(10), Cancellation);
        string subfolder = Path.GetDirectoryName(await _store.GetFileAsync(hash, Cancellation))!;
        await File.WriteAllTextAsync(Path.Combine(subfolder, "README"), "", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(subfolder, new string('z', 64)), "", Cancellation);
        await File.WriteAllTextAsync(_folder.File("blobs/stray.tmp"), "", Cancellation);
        Directory.CreateDirectory(_folder.File("blobs/zz"));
        File.Copy(Path.Combine(subfolder, hash.Hex), _folder.File($"blobs/zz/{hash.Hex}"));

        List<BlobHash> hashes = [];
        await foreach (BlobInfo blob in _store.EnumerateAsync(Cancellation))
        {
            hashes.Add(blob.Hash);
        }

        Assert.Equal([hash], hashes);
    }

    [Fact]
    public async Task EmptyStore_CreatesNothingWhenRead()
    {
        await foreach (BlobInfo blob in _store.EnumerateAsync(Cancellation))
        {
            Assert.Fail($"{blob.Hash} came from nowhere.");
        }

        Assert.False(Directory.Exists(_folder.File("blobs")));
    }

    private FolderBlobStore NewProcess() => new(_folder.File("blobs"));

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
