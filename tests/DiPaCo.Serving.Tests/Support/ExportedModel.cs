using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using Xunit;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>An exported model in a folder of its own, which a test trains on, so to say, by another manifest.</summary>
/// <param name="folder">The folder.</param>
internal sealed class ExportedModel(string folder)
{
    private int _versions;

    public string Folder => folder;

    public static async Task<ExportedModel> OfAsync(ServedGrid grid, string folder)
    {
        await ModelExport.ExportGridAsync(grid, folder, TestContext.Current.CancellationToken);
        return new ExportedModel(folder);
    }

    /// <summary>Writes another manifest.</summary>
    /// <param name="change">Changes its description of the model.</param>
    public void Describe(Action<JsonNode> change) => Rewrite(manifest => change(manifest["model"]!));

    /// <summary>Trains on a little: the last bits of one number of each module.</summary>
    public void TrainOn() => TrainOn(static bytes => bytes[^4]++);

    /// <summary>Writes other bytes for all modules, each under a name of its own; the files before stay.</summary>
    /// <param name="change">Changes the bytes of one.</param>
    public void TrainOn(Action<byte[]> change) => Rewrite(manifest =>
    {
        JsonObject modules = manifest["model"]!["modules"]!.AsObject();
        foreach (string module in modules.Select(pair => pair.Key).ToArray())
        {
            modules[module] = Replace(manifest, modules[module]!.GetValue<string>(), bytes =>
            {
                change(bytes);
                return bytes;
            });
        }

        manifest["model"]!["modelDigest"] = BlobHash.Of(System.Text.Encoding.UTF8.GetBytes(modules.ToJsonString())).Hex;
    });

    /// <summary>Deletes the files of modules, as a run does with versions before.</summary>
    public void Forget(IEnumerable<GridModule> modules)
    {
        HashSet<string> blobs = [.. modules.Select(module => module.Blob.Hex)];
        Rewrite(manifest =>
        {
            foreach (JsonNode? file in manifest["files"]!.AsArray().Where(file => blobs.Contains(file!["blob"]!.GetValue<string>())))
            {
                File.Delete(Path.Combine(folder, file!["path"]!.GetValue<string>()));
            }
        });
    }

    /// <summary>Puts a changed copy of a file beside it.</summary>
    /// <returns>The hash of the copy.</returns>
    public string Replace(JsonNode manifest, string blob, Func<byte[], byte[]> change)
    {
        JsonArray files = manifest["files"]!.AsArray();
        JsonNode file = files.Single(one => one!["blob"]!.GetValue<string>() == blob)!;
        byte[] bytes = change(File.ReadAllBytes(Path.Combine(folder, file["path"]!.GetValue<string>())));
        string path = $"changed/{++_versions}";
        Directory.CreateDirectory(Path.Combine(folder, "changed"));
        File.WriteAllBytes(Path.Combine(folder, path), bytes);
        files.Add(new JsonObject { ["path"] = path, ["blob"] = BlobHash.Of(bytes).Hex, ["bytes"] = bytes.Length });
        return BlobHash.Of(bytes).Hex;
    }

    /// <summary>Writes another manifest.</summary>
    public void Rewrite(Action<JsonNode> change)
    {
        string file = Path.Combine(folder, ExportedGrid.ManifestName);
        JsonNode manifest = JsonNode.Parse(File.ReadAllText(file))!;
        change(manifest);
        File.WriteAllText(file, manifest.ToJsonString());
    }
}
