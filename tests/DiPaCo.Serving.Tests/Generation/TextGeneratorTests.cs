using DiPaCo.Core;
using DiPaCo.Serving.Generation;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Generation;

public sealed class TextGeneratorTests(TrainedRun run)
{
    [Fact]
    public async Task ATextAsLongAsTheContextHasRoomForItsKeysAndValues()
    {
        // More than a gigabyte of them; a page takes memory when the text comes to it.
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        model.Describe(description => description["sequenceLength"] = 1_500_000);
        GenerateOptions options = new() { Path = new PathId(0), Weights = WeightType.Fp32, Threads = 1 };
        await foreach (GeneratedPiece piece in TextGenerator.WriteAsync(model.Folder, "The old mill", options, TestContext.Current.CancellationToken))
        {
            if (piece is GeneratedPiece.Text)
            {
                return;
            }
        }

        Assert.Fail("No text came.");
    }
}
