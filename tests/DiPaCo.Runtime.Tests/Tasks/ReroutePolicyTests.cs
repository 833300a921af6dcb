using CsCheck;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Documents that change their path at chunks of W tokens, against sums token by token.</summary>
public sealed class ReroutePolicyTests
{
    private const int Paths = 3;

    private static Gen<(LossMatrix Losses, int[] First, int[] Choices)> Cases { get; } =
        from seed in Gen.Long
        from cell in Gen.Int[1, 5]
        from tokens in Gen.Int[1, 60].Array[1, 6]
        let losses = LossMatrices.Random(seed, Paths, cell, tokens)
        let random = new RandomStream(seed, "choices")
        select (losses,
            Enumerable.Range(0, tokens.Length).Select(_ => random.NextInt32(Paths)).ToArray(),
            Enumerable.Range(0, losses.CellCount).Select(_ => random.NextInt32(Paths)).ToArray());

    [Fact]
    public void EveryChunk_IsScoredUnderThePathThatWasChosenAtItsBeginning() => Gen.Select(Cases, Gen.Int[1, 6]).Sample((example, cells) =>
    {
        (LossMatrix losses, int[] first, int[] choices) = example;
        int window = cells * losses.Cell;
        double loss = 0;
        long chunks = 0;
        long switches = 0;
        int cell = 0;
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            int start = cell;
            for (int token = 0; token < losses.Documents[d].Tokens; token += losses.Cell, cell++)
            {
                int chunk = token / window;
                loss += losses.LossesOf(cell)[PathOf(chunk)];
                if (token > 0 && token % window == 0)
                {
                    chunks++;
                    switches += PathOf(chunk) != PathOf(chunk - 1) ? 1 : 0;
                }
            }

            int PathOf(int chunk) => chunk == 0 ? first[d] : choices[start + (chunk * cells)];
        }

        RerouteWindow found = ReroutePolicy.Of(losses, first, choices, window);

        Assert.Equal(loss, found.Scored.Loss, 1e-9);
        Assert.Equal((chunks, switches), (found.Chunks, found.Switches));
        Assert.Equal(losses.Documents.Sum(document => (long)document.Tokens), found.Scored.Tokens);
    });

    [Fact]
    public void AWindowOfTheWholeSequence_IsRoutingOnce() => Cases.Sample(example =>
    {
        RerouteWindow found = ReroutePolicy.Of(example.Losses, example.First, example.Choices, 60 * example.Losses.Cell);
        EvaluationMetrics once = RouterBounds.Routed(example.Losses, (document, _) => example.First[document]);

        Assert.Equal(once.Loss, found.Scored.Loss, 1e-9);
        Assert.Equal(once with { Loss = 0 }, found.Scored with { Loss = 0 });
        Assert.Equal((0L, 0.0), (found.Switches, found.SwitchShare));
    });

    [Fact]
    public void AConstantRouter_IsOnePath_WhateverTheWindow() => Gen.Select(Cases, Gen.Int[1, 6], Gen.Int[0, Paths - 1]).Sample((example, cells, path) =>
    {
        int[] constant = [.. example.Choices.Select(_ => path)];
        RerouteWindow found = ReroutePolicy.Of(example.Losses, constant.AsSpan(..example.First.Length), constant, cells * example.Losses.Cell);

        Assert.Equal(RouterBounds.Routed(example.Losses, (_, _) => path).Loss, found.Scored.Loss, 1e-9);
        Assert.Equal(0, found.Switches);
    });

    [Fact]
    public void TheBestPathOfAToken_IsTheOneOfTheSmallestSumOverTheTokensThatFollow() =>
        Gen.Select(Gen.Long, Gen.Int[0, 50], Gen.Int[1, 40].Array[1, 4]).Sample((seed, horizon, tokens) =>
        {
            LossMatrix losses = LossMatrices.Random(seed, Paths, 1, tokens);
            for (int d = 0; d < tokens.Length; d++)
            {
                int start = losses.CellsOf(d).Start.Value;
                int[] expected = [.. Enumerable.Range(0, tokens[d]).Select(token =>
                {
                    int end = horizon == 0 ? tokens[d] : Math.Min(tokens[d], token + horizon);
                    return Enumerable.Range(0, Paths).MinBy(path => Enumerable.Range(token, end - token).Sum(i => (double)losses.LossesOf(start + i)[path]));
                })];

                Assert.Equal(expected, BestPaths.Of(losses, d, horizon));
            }
        });
}
