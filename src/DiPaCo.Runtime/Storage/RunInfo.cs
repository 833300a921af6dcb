using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>What <c>run.json</c> says: what the run is. It never changes.</summary>
/// <param name="FormatVersion">The version of the run folder's layout.</param>
/// <param name="ArithmeticVersion">The version of the tasks' arithmetic (<see cref="Tasks.TaskSpec.ArithmeticVersion"/>): with another one everything would be computed anew.</param>
/// <param name="CreatedBy">The version of dipaco that began the run.</param>
/// <param name="ConfigHash">The SHA-256 of the resolved configuration in compact JSON with sorted keys.</param>
/// <param name="Config">The resolved configuration, defaults filled in.</param>
public sealed record RunInfo(int FormatVersion, int ArithmeticVersion, string CreatedBy, BlobHash ConfigHash, JsonElement Config)
{
    /// <summary>The layout that this version writes and reads.</summary>
    public const int CurrentFormatVersion = 3;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerOptions.Web)
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
    };

    /// <summary>Describes a new run.</summary>
    public static RunInfo Of(string createdBy, JsonElement config) =>
        new(CurrentFormatVersion, Tasks.TaskSpec.ArithmeticVersion, createdBy, CanonicalJson.Hash(config), config.Clone());

    /// <summary>The file's bytes.</summary>
    internal byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, s_json), (byte)'\n'];

    /// <exception cref="StorageException">The file is damaged or of another version.</exception>
    internal static RunInfo Parse(string path, ReadOnlySpan<byte> json)
    {
        try
        {
            // Only the version is certain to be there in a file of another version.
            int version = (JsonSerializer.Deserialize<Versioned>(json, s_json) ?? throw new JsonException("It holds 'null'.")).FormatVersion;
            if (version != CurrentFormatVersion)
            {
                throw new StorageException(
                    path, $"'{path}' has format version {version}; this dipaco reads version {CurrentFormatVersion}. Use the version of dipaco that began the run.");
            }

            RunInfo info = JsonSerializer.Deserialize<RunInfo>(json, s_json)!;
            if (info.ArithmeticVersion != Tasks.TaskSpec.ArithmeticVersion)
            {
                throw new StorageException(
                    path, $"'{path}' was computed with version {info.ArithmeticVersion} of the arithmetic; this dipaco computes with version {Tasks.TaskSpec.ArithmeticVersion}, and would begin it anew. Use the version of dipaco that began the run, or train into another folder (--run).");
            }

            return info.ConfigHash == CanonicalJson.Hash(info.Config)
                ? info
                : throw new StorageException(path, $"'{path}' was changed: the configuration in it does not have the hash {info.ConfigHash} that it states. Restore the file from a copy of the run.");
        }
        catch (JsonException e)
        {
            throw new StorageException(path, $"'{path}' is damaged: {e.Message.TrimEnd('.')}. Restore the file from a copy of the run.", e);
        }
    }

    private sealed record Versioned(int FormatVersion);
}
