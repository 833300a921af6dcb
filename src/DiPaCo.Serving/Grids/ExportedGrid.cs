using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>A whole model in one folder of its own: modules, router, tokenizer, base model, and a manifest with the hash of each.</summary>
internal static class ExportedGrid
{
    public const string ManifestName = "manifest.json";

    public const string FormatName = "dipaco.grid/1";

    private const long MaxManifestBytes = 256 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Whether a folder says that it holds an exported model.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, ManifestName));

    /// <summary>The manifest as bytes.</summary>
    public static byte[] Serialize(GridManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, Json);

    /// <summary>A description as bytes: equal ones where two say the same.</summary>
    public static byte[] Serialize(GridDescription description) => JsonSerializer.SerializeToUtf8Bytes(description, Json);

    /// <summary>Opens the folder. Each file is verified against its hash before its first use.</summary>
    /// <exception cref="DiPaCoException">The manifest is damaged, of another version, or names files that are not there.</exception>
    public static ServedGrid Open(string folder)
    {
        string path = Path.Combine(Path.GetFullPath(folder), ManifestName);
        GridManifest manifest = Read(path);
        if (manifest.Format != FormatName)
        {
            throw Damaged(path, $"its format is '{manifest.Format}', expected '{FormatName}'");
        }

        if (manifest.Model.Problem() is { } problem)
        {
            throw Damaged(path, problem);
        }

        Dictionary<BlobHash, GridFile> files = [];
        foreach (GridFile file in manifest.Files)
        {
            if (!IsBelow(file.Path))
            {
                throw Damaged(path, $"its file '{file.Path}' does not lie in the folder");
            }

            files.TryAdd(file.Blob, file);
        }

        foreach ((BlobHash blob, string name) in manifest.Model.NamedBlobs())
        {
            if (!files.ContainsKey(blob))
            {
                throw Damaged(path, $"no file has the hash {blob.Hex}, which '{name}' must have");
            }
        }

        return new ServedGrid(manifest.Model, new ExportedGridFiles(Path.GetDirectoryName(path)!, files));
    }

    private static GridManifest Read(string path)
    {
        try
        {
            FileInfo file = new(path);
            return file.Length > MaxManifestBytes
                ? throw Damaged(path, $"it has {file.Length} bytes, expected at most {MaxManifestBytes}")
                : JsonSerializer.Deserialize<GridManifest>(File.ReadAllBytes(path), Json) ?? throw Damaged(path, "it is 'null'");
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{path}' cannot be read: {exception.Message.TrimEnd('.')}. Export the model again.", exception);
        }
    }

    /// <summary>Names of letters, digits, dots, dashes and underscores, with slashes in between; none of dots alone.</summary>
    private static bool IsBelow(string path) =>
        path.Length is > 0 and < 1_024 && path.Split('/').All(
            name => name.Length > 0 && name.Trim('.').Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_'));

    private static DiPaCoException Damaged(string path, string problem) => new($"'{path}' is damaged: {problem}. Export the model again.");
}
