using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Inference;
using Xunit;

namespace DiPaCo.Serving.Tests.Inference;

public sealed class ForwardPassTests
{
    public static TheoryData<int, int, int, int, Activation, bool> Shapes => new()
    {
        { 4, 2, 24, 96, Activation.SwiGlu, false },
        { 2, 2, 32, 64, Activation.Gelu, true },
        { 4, 1, 16, 160, Activation.SwiGlu, true },
        { 3, 3, 8, 32, Activation.Gelu, false },
        { 1, 1, 64, 96, Activation.SwiGlu, true },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void EveryPositionHasTheLogitsOfTraining(int heads, int keyHeads, int headWidth, int feedForward, Activation activation, bool tied)
    {
        TransformerShape shape = InferenceLab.SmallShape with
        {
            Heads = heads, KeyValueHeads = keyHeads, HeadWidth = headWidth, FeedForward = feedForward, Activation = activation, TiedEmbedding = tied,
        };
        using InferenceLab lab = new(shape);
        int[] tokens = InferenceLab.Tokens(50);
        foreach (int path in (int[])[0, 3])
        {
            AssertNear(lab.Expected(path, tokens), lab.AllLogits(path, tokens), 1e-4f);
        }
    }

    [Fact]
    public void TheCacheChangesNoBitHoweverThePromptIsCut()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape);
        int[] tokens = InferenceLab.Tokens(60);
        float[][] whole = lab.AllLogits(1, tokens);
        foreach (int[] cuts in (int[][])[[1, 1, 1, 1, 56], [16, 16, 16, 12], [33, 27], [.. Enumerable.Repeat(1, 60)], [59, 1], [15, 2, 43]])
        {
            SequenceCache cache = lab.NewCache();
            int position = 0;
            foreach (int count in cuts)
            {
                float[][] part = lab.Step(Slice(lab, 1, cache, tokens, position, count))[0];
                for (int i = 0; i < count; i++)
                {
                    Assert.Equal(whole[position + i], part[i]);
                }

                position += count;
            }

            cache.Dispose();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void WhatElseIsInTheBatchChangesNoBit(int threads)
    {
        using InferenceLab lab = new(InferenceLab.SmallShape, threads: threads);
        int[][] tokens = [.. Enumerable.Range(0, 9).Select(i => InferenceLab.Tokens(20 + i, i))];
        float[][][] alone = [.. tokens.Select((sequence, i) => lab.AllLogits(i % 4, sequence))];
        SequenceCache[] caches = [.. tokens.Select(_ => lab.NewCache(32))];

        // All prompts but the last token in steps of different lengths, then the last tokens of all of them together.
        for (int i = 0; i < tokens.Length; i++)
        {
            lab.Step(Slice(lab, i % 4, caches[i], tokens[i], 0, 7), Slice(lab, (i + 1) % 4, lab.NewCache(32), tokens[(i + 1) % 9], 0, 5));
            lab.Step(Slice(lab, i % 4, caches[i], tokens[i], 7, tokens[i].Length - 8));
        }

        float[][][] together = lab.Step([.. tokens.Select((sequence, i) => Slice(lab, i % 4, caches[i], sequence, sequence.Length - 1, 1))]);
        for (int i = 0; i < tokens.Length; i++)
        {
            Assert.Equal(alone[i][^1], together[i][0]);
        }
    }

    [Fact]
    public void RowsOfDifferentPathsThatShareAModuleAreOneProduct()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape);
        PathWeights[] paths = [.. Enumerable.Range(0, 4).Select(lab.PathOf)];
        using RowGroups<BlockWeights> groups = new(4);
        foreach (int block in (int[])[0, 1, 2, 3])
        {
            // Two experts a level, and paths 0 and 1 have the first level's in common.
            groups.Assign([.. paths.Select(path => path.Blocks[block])], 4);
            Assert.Equal(2, groups.Count);
            groups.Assign([.. paths.Take(2).Select(path => path.Blocks[block])], 2);
            Assert.Equal(block < 2 ? 1 : 2, groups.Count);
        }

        using RowGroups<TableWeights> tables = new(4);
        tables.Assign([.. paths.Select(path => path.Embedding)], 4);
        Assert.Equal(1, tables.Count);

        // And that is how a step divides its rows.
        lab.Step([.. Enumerable.Range(0, 4).Select(path => Slice(lab, path, lab.NewCache(), InferenceLab.Tokens(2), 0, 2))]);
        Assert.Equal((2, 2), lab.Pass.LastProducts);
        lab.Step([.. Enumerable.Range(0, 4).Select(_ => Slice(lab, 3, lab.NewCache(), InferenceLab.Tokens(2), 0, 2))]);
        Assert.Equal((1, 1), lab.Pass.LastProducts);
    }

    [Fact]
    public void ASwitchOfPathsComputesAnewFromTheFirstBlockThatDiffers()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape);
        int[] tokens = InferenceLab.Tokens(40);
        float[][] expected = lab.AllLogits(1, tokens);
        SequenceCache cache = lab.NewCache();
        lab.Step(Slice(lab, 0, cache, tokens, 0, 38));
        float[][][] switched = lab.Step(
            Slice(lab, 1, cache, tokens, 0, 38) with { StartBlock = 2 },
            Slice(lab, 3, lab.NewCache(), tokens, 0, 3));
        Assert.Equal(expected[..38], switched[0]);
        Assert.Equal(expected[38..], lab.Step(Slice(lab, 1, cache, tokens, 38, 2))[0]);
    }

    [Fact]
    public void ASwitchBeginsAtABoundaryAtOrBelowTheFirstBlockThatDiffers()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape);
        Assert.Equal(0, lab.Geometry.StartAtOrBelow(1));
        Assert.Equal(2, lab.Geometry.StartAtOrBelow(3));
    }

    [Fact]
    public void RoundedWeightsAreThoseOfTrainingInBf16()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape, WeightType.Bf16);
        int[] tokens = InferenceLab.Tokens(40);

        // Training rounds activations as well, so its logits differ by their rounding.
        AssertNear(lab.Expected(1, tokens, ComputeType.Bf16), lab.AllLogits(1, tokens), 0.25f);
    }

    [Fact]
    public void EightBitsAreNearAndNotTheSame()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape, WeightType.Q8);
        int[] tokens = InferenceLab.Tokens(40);
        float[][] expected = lab.Expected(1, tokens);
        float[][] quantized = lab.AllLogits(1, tokens);
        AssertNear(expected, quantized, 0.6f);
        Assert.NotEqual(expected[^1], quantized[^1]);
    }

    [Fact]
    public void TheHiddenStatesAreTheRoutersFeatures()
    {
        using InferenceLab lab = new(InferenceLab.SmallShape);
        int[] tokens = InferenceLab.Tokens(20);
        float[][] hidden = lab.Step(Slice(lab, 0, lab.NewCache(), tokens, 0, 20) with { Hidden = true, Logits = LogitRows.None })[0];
        float[] expected = lab.Features(0, tokens);
        for (int d = 0; d < expected.Length; d++)
        {
            Assert.Equal(expected[d], hidden.Average(row => row[d]), 1e-4f);
        }
    }

    private static Slice Slice(InferenceLab lab, int path, SequenceCache cache, int[] tokens, int position, int count) => new()
    {
        Path = lab.PathOf(path), Cache = cache, Position = position, Tokens = tokens.AsMemory(position, count), Logits = LogitRows.All,
    };

    private static void AssertNear(float[][] expected, float[][] actual, float tolerance)
    {
        for (int position = 0; position < expected.Length; position++)
        {
            for (int token = 0; token < expected[position].Length; token++)
            {
                Assert.Equal(expected[position][token], actual[position][token], tolerance);
            }
        }
    }
}
