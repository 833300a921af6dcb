using System.Collections.Immutable;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Grids;

public sealed class ExportedGridTests(TrainedRun run)
{
    private readonly CancellationToken _token = TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnExportedModelIsTheRunsModel()
    {
        ServedGrid copy = ServedGrid.Open(await ExportAsync());
        Assert.Equal(run.Grid.Description.ModelDigest, copy.Description.ModelDigest);
        Assert.Equal(run.Grid.Topology.Paths, copy.Topology.Paths);
        foreach (PathId path in copy.Topology.Paths)
        {
            ImmutableArray<GridModule> modules = copy.ModulesOf(path);
            Assert.Equal(run.Grid.ModulesOf(path).Select(module => module.Blob), modules.Select(module => module.Blob));
            foreach (GridModule module in modules)
            {
                Assert.Equal(module.Blob, BlobHash.Of(File.ReadAllBytes(await copy.GetFileAsync(module.Blob, _token))));
            }
        }

        Assert.Equal((await run.Grid.LoadRouterAsync(_token)).Kind, (await copy.LoadRouterAsync(_token)).Kind);
        Assert.Equal((await run.Grid.LoadTokenizerAsync(_token)).Encode("a mill"), (await copy.LoadTokenizerAsync(_token)).Encode("a mill"));
    }

    [Fact]
    public async Task AnExportedModelExportsToTheSameBytes()
    {
        string first = await ExportAsync();
        string second = run.NewPath();
        await ModelExport.ExportGridAsync(ServedGrid.Open(first), second, _token);
        Assert.Equal(Contents(first), Contents(second));
    }

    [Fact]
    public async Task ADamagedFileIsFoundBeforeItIsUsed()
    {
        string folder = await ExportAsync();
        ServedGrid grid = ServedGrid.Open(folder);
        GridModule module = grid.ModulesOf(grid.Topology.Paths[0])[0];
        string file = Path.Combine(folder, "modules", module.Definition.Id.Name + ".safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        DiPaCoException damaged = await Assert.ThrowsAsync<DiPaCoException>(() => grid.GetFileAsync(module.Blob, _token));
        Assert.Contains("damaged", damaged.Message, StringComparison.Ordinal);
        File.WriteAllBytes(file, bytes[..^1]);
        DiPaCoException cut = await Assert.ThrowsAsync<DiPaCoException>(() => grid.GetFileAsync(module.Blob, _token));
        Assert.Contains("cut", cut.Message, StringComparison.Ordinal);
        File.Delete(file);
        await Assert.ThrowsAsync<DiPaCoException>(() => grid.GetFileAsync(module.Blob, _token));
    }

    public static TheoryData<string, string> Manifests => new()
    {
        { """["files"][0]["path"] = "../../etc/passwd" """, "does not lie in the folder" },
        { """["files"][0]["path"] = "/etc/passwd" """, "does not lie in the folder" },
        { """["files"][0]["path"] = "a/../b" """, "does not lie in the folder" },
        { """["files"][0]["blob"] = 3 """, "cannot be read" },
        { """["format"] = "dipaco.grid/99" """, "dipaco.grid/99" },
        { """["model"]["name"] = "../up" """, "its name" },
        { """["model"]["shape"]["width"] = 2147483647 """, "beyond reason" },
        { """["model"]["shape"]["blocks"] = 7 """, "do not add up" },
        { """["model"]["shape"]["heads"] = 0 """, "below 1" },
        { """["model"]["shape"]["ropeBase"] = -1 """, "rotary" },
        { """["model"]["topology"]["levels"][0]["experts"] = 1000000000 """, "no path, or more" },
        { """["model"]["topology"]["levels"][0]["experts"] = -2 """, "no path, or more" },
        { """["model"]["topology"]["levels"][0]["blocks"] = -3 """, "do not add up" },
        { """["model"]["topology"]["levels"][0]["experts"] = 3 """, "its modules are not" },
        { """["model"]["topology"]["paths"] = [[0]] """, "do not add up" },
        { """["model"]["topology"]["paths"] = [[0, 9]] """, "choice" },
        { """["model"]["sequenceLength"] = 0 """, "lengths" },
        { """["model"]["prefixTokens"] = 0 """, "lengths" },
        { """["model"]["prefixTokens"] = 49 """, "longer than a sequence" },
        { """["model"]["router"] = "zz" """, "cannot be read" },
        { """["model"]["router"] = "0000000000000000000000000000000000000000000000000000000000000000" """, "no file has the hash" },
        { """["model"]["surprise"] = 1 """, "cannot be read" },
    };

    [Theory]
    [MemberData(nameof(Manifests))]
    public async Task AManifestFromAnywhereIsRefusedWithWhatIsWrong(string change, string message)
    {
        string folder = await ExportAsync();
        string file = Path.Combine(folder, "manifest.json");
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(file))!;
        Apply(manifest, change);
        File.WriteAllText(file, manifest.ToJsonString());
        DiPaCoException failure = Assert.Throws<DiPaCoException>(() => ServedGrid.Open(folder));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.Contains("manifest.json", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderThatIsNoModelIsRefusedWithWhatWasExpected()
    {
        string folder = run.NewPath();
        Directory.CreateDirectory(folder);
        Assert.Contains("neither a run nor an exported model", Assert.Throws<DiPaCoException>(() => ServedGrid.Open(folder)).Message, StringComparison.Ordinal);
    }

    /// <summary>Sets what <c>["a"][0]["b"] = value</c> says.</summary>
    private static void Apply(JsonNode root, string change)
    {
        string[] sides = change.Split(" = ");
        string[] steps = sides[0].Trim('[', ']').Split("][");
        JsonNode at = root;
        foreach (string step in steps[..^1])
        {
            at = step[0] == '"' ? at[step.Trim('"')]! : at[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)]!;
        }

        at[steps[^1].Trim('"')] = JsonNode.Parse(sides[1]);
    }

    private async Task<string> ExportAsync()
    {
        string folder = run.NewPath();
        await ModelExport.ExportGridAsync(run.Grid, folder, _token);
        return folder;
    }

    private static string[] Contents(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(file => $"{Path.GetRelativePath(folder, file)} {BlobHash.Of(File.ReadAllBytes(file))}"),
    ];
}
