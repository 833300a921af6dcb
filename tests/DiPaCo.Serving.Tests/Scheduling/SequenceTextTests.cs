using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Scheduling;

public sealed class SequenceTextTests(TrainedRun run)
{
    [Fact]
    public async Task ThePenaltyOfRepetitionLeavesOutTheTokenThatTheClientDidNotWrite()
    {
        using ModuleStore store = new(WeightType.Fp32, long.MaxValue);
        LiveModel model = await LiveModel.OpenAsync(run.Grid, store, TestContext.Current.CancellationToken);
        int end = model.Tokenizer.EndOfText;
        GenerationRequest request = new()
        {
            Model = model, Prompt = [end, 7], Hidden = 1, Sampling = new SamplingOptions { Temperature = 0, RepetitionPenalty = 2 },
        };
        float[] logits = new float[model.Vocabulary];
        (logits[end], logits[7], logits[8]) = (3, 4, 2.5f);

        // The 4 of the token in the prompt becomes 2; the end of the text before it stays at 3.
        Assert.Equal(end, new SequenceText(request).Draw(logits));

        // A client that begins a list of tokens with it has written it.
        Assert.Equal(8, new SequenceText(request with { Hidden = 0 }).Draw(logits));
    }
}
