using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

public sealed class DeterminismTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task SecondRun_HasEveryByteOfTheFirst()
    {
        await _runs.TrainAsync("again");

        Assert.Equal(reference.Contents, _runs.Contents("again"));
    }

    [Fact]
    public async Task Arithmetic_IsPartOfTheRun()
    {
        RunConfig config = _runs.Config with { Transformer = _runs.Config.Transformer with { Compute = ComputeType.Bf16 } };

        RunResults results = await _runs.TrainAsync("bf16", config);
        RunResults again = await _runs.TrainAsync("again", config);

        Assert.Equal(results.ModelDigest, again.ModelDigest);
        Assert.NotEqual(reference.Results.ModelDigest, results.ModelDigest);
    }

    [Fact]
    public async Task AnotherSeed_IsAnotherModel()
    {
        RunResults results = await _runs.TrainAsync("seed", _runs.Config with { Seed = 2 });

        Assert.NotEqual(reference.Results.ModelDigest, results.ModelDigest);
    }

    [Fact]
    public async Task OrderOfTheCorpus_IsPartOfTheRun()
    {
        await System.IO.File.WriteAllLinesAsync(_runs.Corpus, (await System.IO.File.ReadAllLinesAsync(_runs.Corpus)).Reverse());

        RunResults results = await _runs.TrainAsync("reversed");

        Assert.NotEqual(reference.Results.ModelDigest, results.ModelDigest);
    }
}
