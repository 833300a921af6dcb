using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Serving.Grids;
using Xunit;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>What training's own forward pass says about a path of a model.</summary>
internal static class PathLogits
{
    /// <summary>Logits of the token behind each of the first positions, fp32.</summary>
    public static async Task<float[][]> OfEveryPositionAsync(ServedGrid grid, PathId path, int[] tokens)
    {
        using PathModel model = new(grid.Description.Shape, [.. grid.ModulesOf(path).Select(module => module.Definition)], new ComputeOptions { Type = ComputeType.Fp32 });
        foreach (GridModule module in grid.ModulesOf(path))
        {
            model.Parameters.Load(module.Definition.Id, await grid.GetFileAsync(module.Blob, TestContext.Current.CancellationToken));
        }

        return [.. Enumerable.Range(1, tokens.Length).Select(length => model.NextTokenLogits(tokens.AsSpan(0, length), length, [length]))];
    }
}
