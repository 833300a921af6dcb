using System.Text;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class CodecTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-routing-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AKMeansRouter_ThatWasRead_ScoresAsTheOneThatWasWritten()
    {
        FeatureMatrix features = Blobs.Around(5, 500, 23, 2);
        KMeansRouter written = KMeansRouterFit.Of(features, RouterTests.Options(5), TestContext.Current.CancellationToken).Router;
        IRouter read = RouterCodec.Read(Store(written));
        Assert.Equal(written.Paths, read.Paths);
        Assert.Equal((32, 23), (read.PrefixTokens, read.FeatureWidth));
        RouterInput input = new(features);
        Assert.Equal(written.ScoresOf(input, 17), read.ScoresOf(input, 17));
        Assert.Equal(File.ReadAllBytes(Store(written)), File.ReadAllBytes(Store(read)));
    }

    public static TheoryData<string> Kinds => ["product-k-means", "residual-k-means", "balanced-k-means", "logistic"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ARouter_ThatWasRead_ScoresAsTheOneThatWasWritten(string kind)
    {
        FeatureMatrix features = Blobs.Around(5, 500, 23, 2);
        IRouter written = Router(kind, features);
        IRouter read = RouterCodec.Read(Store(written));
        Assert.Equal(kind, read.Kind);
        Assert.Equal(written.Paths, read.Paths);
        Assert.Equal((32, 23), (read.PrefixTokens, read.FeatureWidth));
        RouterInput input = new(features);
        for (int document = 0; document < 500; document += 50)
        {
            Assert.Equal(written.ScoresOf(input, document), read.ScoresOf(input, document));
        }

        Assert.Equal(RouterBytes.Of(written), RouterBytes.Of(read));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryDamagedByteOfARouter_IsNoticedOrHarmless(string kind)
    {
        string file = Store(Router(kind, Blobs.Around(3, 40, 3, 2)));
        byte[] whole = File.ReadAllBytes(file);
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (byte flip in new byte[] { 0x01, 0x80, 0xFF })
            {
                byte[] damaged = [.. whole];
                damaged[at] ^= flip;
                File.WriteAllBytes(file, damaged);
                Exception? failure = Record.Exception(() => RouterCodec.Read(file));
                Assert.True(failure is null or DiPaCoException, $"byte {at}: {failure}");
            }
        }
    }

    [Theory]
    [InlineData("2,3", "9,3", "codes of group 1")]
    [InlineData("2,3", "2,4", "centroids.1")]
    [InlineData("2,3", "2,x", "'2,x' where numbers of experts were expected")]
    [InlineData("2,3", "2,0", "'2,0' where numbers of experts were expected")]
    [InlineData("2,3", "1,3", "not one of the grid's 3")]
    public void CodesThatDoNotFitThePaths_AreRefused(string from, string to, string message)
    {
        string file = Store(Router("residual-k-means", Blobs.Around(3, 40, 3, 2)));
        byte[] bytes = File.ReadAllBytes(file);
        Replace(bytes, $"\"{from}\"", $"\"{to}\"");
        File.WriteAllBytes(file, bytes);
        DiPaCoException refusal = Assert.ThrowsAny<DiPaCoException>(() => RouterCodec.Read(file));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ARandomRouter_ThatWasRead_ScoresAsTheOneThatWasWritten()
    {
        RandomRouter written = new([new PathId(1), new PathId(4), new PathId(9)], -77);
        IRouter read = RouterCodec.Read(Store(written));
        RouterInput input = new(null, new ulong[] { 1, 2, 3 });
        Assert.Equal(written.Paths, read.Paths);
        Assert.Equal(written.ScoresOf(input, 1), read.ScoresOf(input, 1));
    }

    [Fact]
    public void EveryDamagedByte_IsNoticedOrHarmless()
    {
        string file = Store(new KMeansRouter(
            ShardAssignmentTests.Paths(3), Blobs.Noise(3, 4), ShardAssignmentTests.Identity(4), 32));
        byte[] whole = File.ReadAllBytes(file);
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (byte flip in new byte[] { 0x01, 0x80, 0xFF })
            {
                byte[] damaged = [.. whole];
                damaged[at] ^= flip;
                File.WriteAllBytes(file, damaged);
                Exception? failure = Record.Exception(() => RouterCodec.Read(file));
                Assert.True(failure is null or DiPaCoException, $"byte {at}: {failure}");
            }
        }
    }

    [Fact]
    public void EveryTruncation_IsRefused()
    {
        string file = Store(new RandomRouter(ShardAssignmentTests.Paths(3), 1));
        byte[] whole = File.ReadAllBytes(file);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(file, whole.AsSpan(0, length));
            Assert.ThrowsAny<DiPaCoException>(() => RouterCodec.Read(file));
        }
    }

    [Fact]
    public void AnUnknownKind_AndOtherBlobs_AreRefusedByName()
    {
        string file = Store(new RandomRouter(ShardAssignmentTests.Paths(3), 1));
        byte[] bytes = File.ReadAllBytes(file);
        Replace(bytes, "random", "oracle");
        File.WriteAllBytes(file, bytes);
        Assert.Contains("kind 'oracle'", Assert.ThrowsAny<DiPaCoException>(() => RouterCodec.Read(file)).Message, StringComparison.Ordinal);

        string features = StoreFeatures(Blobs.Noise(3, 2));
        Assert.Contains("dipaco.features/1", Assert.ThrowsAny<DiPaCoException>(() => RouterCodec.Read(features)).Message, StringComparison.Ordinal);
        Assert.Contains("dipaco.router/1", Assert.ThrowsAny<DiPaCoException>(() => FeatureFile.Open(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Features_ComeBackAsTheyWere_FromMemoryAndFromTheDisk()
    {
        FeatureMatrix written = Blobs.Noise(1111, 13);
        string file = StoreFeatures(written);
        Assert.Equal(Blobs.Bytes(written), Blobs.Bytes(FeatureCodec.Read(file, TestContext.Current.CancellationToken)));
        using FeatureFile onDisk = FeatureFile.Open(file);
        Assert.Equal((1111, 13, 32), (onDisk.Rows, onDisk.Width, onDisk.PrefixTokens));
        Assert.Equal(written.Row(1110).ToArray(), onDisk.Read(1110, 1, new float[13]).ToArray());
    }

    [Fact]
    public void ClustersOfAFile_AreThoseOfTheSameFeaturesInMemory()
    {
        FeatureMatrix features = Blobs.Around(5, 3000, 13, 1);
        using FeatureFile onDisk = FeatureFile.Open(StoreFeatures(features));
        KMeansOptions options = Blobs.Options(5) with { Threads = 2 };
        KMeansResult memory = KMeans.Fit(features, options, TestContext.Current.CancellationToken);
        KMeansResult disk = KMeans.Fit(onDisk, options, TestContext.Current.CancellationToken);
        Assert.Equal(Blobs.Bytes(memory.Centroids), Blobs.Bytes(disk.Centroids));
    }

    [Fact]
    public void JoinedFeatures_AreOneAfterTheOther_WhereverAReadBegins()
    {
        FeatureMatrix[] parts = [Blobs.Noise(5, 3), new FeatureMatrix(0, 3), Blobs.Noise(1, 3), Blobs.Noise(40, 3)];
        float[] expected = [.. parts.SelectMany(part => Enumerable.Range(0, part.Rows).SelectMany(row => part.Row(row).ToArray()))];
        JoinedFeatures joined = new(parts);
        Assert.Equal((46, 3), (joined.Rows, joined.Width));
        for (int first = 0; first <= 46; first++)
        {
            for (int count = 0; first + count <= 46; count++)
            {
                Assert.Equal(expected.AsSpan(first * 3, count * 3), joined.Read(first, count, new float[count * 3]));
            }
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => joined.Read(46, 1, new float[3]).Length);
    }

    [Fact]
    public void SelectedFeatures_AreTheRowsInTheOrderAskedFor_NeighboursAndRepetitionsToo()
    {
        FeatureMatrix features = Blobs.Noise(30, 4);
        using FeatureFile onDisk = FeatureFile.Open(StoreFeatures(features));
        int[] wanted = [7, 8, 9, 9, 3, 2, 29, 0, 1];
        float[] expected = [.. wanted.SelectMany(row => features.Row(row).ToArray())];
        Assert.Equal(expected, new SelectedFeatures(onDisk, wanted).Read(0, wanted.Length, new float[wanted.Length * 4]).ToArray());
        Assert.Equal(expected[4..16], new SelectedFeatures(features, wanted).Read(1, 3, new float[12]).ToArray());
    }

    private static IRouter Router(string kind, FeatureMatrix features)
    {
        KMeansRouterOptions options = ProductKMeansTests.Options(new PathGrid([2, 3], 1));
        return kind switch
        {
            "product-k-means" => ProductKMeansRouterFit.Of(features, options, TestContext.Current.CancellationToken),
            "residual-k-means" => ResidualKMeansRouterFit.Of(features, options, TestContext.Current.CancellationToken),
            "balanced-k-means" => BalancedKMeansRouterFit.Of(features, options, TestContext.Current.CancellationToken).Router,
            _ => LogisticRouterFit.Of(
                features, LogisticRouterTests.Labels(features.Rows, row => row % 6), LogisticRouterTests.Options(6), null,
                TestContext.Current.CancellationToken).Router,
        };
    }

    private static void Replace(byte[] bytes, string from, string to)
    {
        int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(from));
        Encoding.UTF8.GetBytes(to).CopyTo(bytes, at);
    }

    private string Store(IRouter router)
    {
        string file = Path.Combine(_folder, "router.safetensors");
        using FileStream stream = File.Create(file);
        RouterCodec.Write(router, stream);
        return file;
    }

    private string StoreFeatures(FeatureMatrix features)
    {
        string file = Path.Combine(_folder, "features.safetensors");
        using FileStream stream = File.Create(file);
        FeatureCodec.Write(features, 32, stream, TestContext.Current.CancellationToken);
        return file;
    }
}
