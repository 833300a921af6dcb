using CsCheck;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Losses under candidates give each document one label, and are read as they were written or not at all.</summary>
public sealed class CandidateLossesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ALabel_IsTheLowestLossAmongTheCandidates_WhateverBranchTheyAreIn() =>
        Gen.Select(Gen.Long, Gen.Int[1, 9], Gen.Int[1, 6], Gen.Int[1, 4]).Sample((seed, documents, candidates, branches) =>
        {
            CandidateLoss[] all = Random(seed, documents, candidates);
            CandidateLosses[] parts = [.. Enumerable.Range(0, branches).Select(branch =>
                new CandidateLosses([.. all.Where(loss => loss.Path.Value % branches == branch)]))];

            DocumentLabel[] labels = [.. CandidateLosses.Labels(parts, candidates)];

            Assert.Equal(documents, labels.Length);
            for (int d = 0; d < documents; d++)
            {
                CandidateLoss[] own = all[(d * candidates)..((d + 1) * candidates)];
                double lowest = own.Min(loss => (double)loss.Loss);
                Assert.Equal(own.First(loss => loss.Loss == lowest).Path, labels[d].Path);
                Assert.Equal(own[0].Document, labels[d].Document);
            }
        });

    [Fact]
    public void ADocumentWithoutAllOfItsCandidates_IsRefused()
    {
        CandidateLoss[] all = Random(1, documents: 3, candidates: 2);

        foreach (CandidateLoss[] damaged in (CandidateLoss[][])[all[1..], all[..^1], [.. all[..2], .. all[3..]], [.. all, all[^1]], [all[0], all[0], .. all[2..]]])
        {
            DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => CandidateLosses.Labels([new CandidateLosses([.. damaged])], 2));
            Assert.Contains("was not scored under 2 different candidates", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Losses_AreReadAsTheyWereWritten(int documents)
    {
        CandidateLoss[] all = Random(1, documents, candidates: 3);

        Assert.Equal(all, CandidateLossesCodec.Read(Write(all)).All);
    }

    [Theory]
    [InlineData("order")]
    [InlineData("twice")]
    [InlineData("negative")]
    [InlineData("not finite")]
    public void DamagedLosses_AreRefused(string damage)
    {
        CandidateLoss[] all = Random(1, documents: 3, candidates: 2);
        switch (damage)
        {
            case "order":
                (all[2], all[3]) = (all[3], all[2]);
                break;
            case "twice":
                all[3] = all[2];
                break;
            case "negative":
                all[0] = all[0] with { Document = new DocumentId(-1, 0) };
                break;
            default:
                all[0] = all[0] with { Loss = float.NaN };
                break;
        }

        SafeTensorsException refusal = Assert.Throws<SafeTensorsException>(() => CandidateLossesCodec.Read(Write(all)));
        Assert.Contains("finite losses, ascending by document and path, were expected", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMatrix_IsNoListOfCandidates()
    {
        string file = Path.Combine(_folder.Path, "matrix");
        using (FileStream stream = File.Create(file))
        {
            LossMatrixCodec.Write(LossMatrices.Random(1, paths: 2, cell: 0, 5, 6), stream);
        }

        Assert.Contains(
            "where 'dipaco.candidate-losses/1' was expected", Assert.Throws<SafeTensorsException>(() => CandidateLossesCodec.Read(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TooManyLosses_AreRefusedBeforeTheyAreMade()
    {
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => CandidateLosses.ThrowIfTooMany(CandidateLosses.Most, 2));

        Assert.Contains("discriminative.candidates", refusal.Message, StringComparison.Ordinal);
    }

    private static CandidateLoss[] Random(long seed, int documents, int candidates)
    {
        // Few different losses, so that some are equal.
        RandomStream random = new(seed, "candidates");
        return [.. Enumerable.Range(0, documents * candidates).Select(i => new CandidateLoss(
            new DocumentId(i / candidates / 2, i / candidates), new PathId((2 * (i % candidates)) + (i / candidates % 2)), random.NextInt32(4)))];
    }

    private string Write(CandidateLoss[] losses)
    {
        string file = Path.Combine(_folder.Path, "losses");
        using FileStream stream = File.Create(file);
        CandidateLossesCodec.Write(new CandidateLosses([.. losses]), stream);
        return file;
    }
}
