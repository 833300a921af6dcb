using System.Globalization;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Orleans.Storage;

namespace DiPaCo.Cluster;

/// <summary>
/// Grain state as files, for a silo that stands alone: one file a grain, replaced as a whole and flushed, with a checksum. Orleans' ADO.NET
/// provider names SQLite but refuses to open it (10.4.2), so there is no database to do without a server.
/// </summary>
/// <param name="folder">Where the files are.</param>
internal sealed class FileGrainStorage(string folder) : IGrainStorage
{
    private const int MostBytes = 256 << 20;
    private const string Magic = "dipaco-grain 1";

    /// <inheritdoc/>
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string path = PathOf(stateName, grainId);
        if (!File.Exists(path))
        {
            grainState.RecordExists = false;
            grainState.ETag = null;
            return Task.CompletedTask;
        }

        (long version, ReadOnlyMemory<byte> json) = Read(path);
        try
        {
            grainState.State = JsonSerializer.Deserialize<T>(json.Span, RuntimeJson) ?? throw new JsonException("It is null.");
        }
        catch (JsonException exception)
        {
            throw Damaged(path, exception.Message);
        }

        grainState.RecordExists = true;
        grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string path = PathOf(stateName, grainId);
        long version = ThrowIfStale(path, grainState) + 1;
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(grainState.State, RuntimeJson);
        string head = string.Create(CultureInfo.InvariantCulture, $"{Magic} {version} {ChecksumOf(version, json)}\n");
        DurableFile.WriteAllBytes(path, [.. Encoding.ASCII.GetBytes(head), .. json]);
        grainState.RecordExists = true;
        grainState.ETag = version.ToString(CultureInfo.InvariantCulture);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string path = PathOf(stateName, grainId);
        ThrowIfStale(path, grainState);
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "delete", path);
        }

        grainState.RecordExists = false;
        grainState.ETag = null;
        return Task.CompletedTask;
    }

    private static JsonSerializerOptions RuntimeJson => Runtime.Tasks.TaskJson.Options;

    /// <summary>The name is the hash of what identifies the grain, so that none leads out of the folder.</summary>
    private string PathOf(string stateName, GrainId grainId) => Path.Combine(
        folder, $"{BlobHash.Of(Encoding.UTF8.GetBytes($"{stateName}\n{grainId}")).Hex[..32]}.grain");

    /// <summary>Another activation of the same grain may have written since; it is the one that goes on.</summary>
    private static long ThrowIfStale<T>(string path, IGrainState<T> grainState)
    {
        long found = File.Exists(path) ? Read(path).Version : 0;
        string? expected = found == 0 ? null : found.ToString(CultureInfo.InvariantCulture);
        return expected == grainState.ETag
            ? found
            : throw new InconsistentStateException($"'{path}' has version {found}, the grain knows {grainState.ETag ?? "none"}.", expected, grainState.ETag);
    }

    private static (long Version, ReadOnlyMemory<byte> Json) Read(string path)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(path).Length > MostBytes)
            {
                throw Damaged(path, "it is too long");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "read", path);
        }

        int end = bytes.AsSpan().IndexOf((byte)'\n');
        string[] head = end < 0 ? [] : Encoding.ASCII.GetString(bytes, 0, end).Split(' ');
        if (head.Length != 4 || $"{head[0]} {head[1]}" != Magic
            || !long.TryParse(head[2], NumberStyles.None, CultureInfo.InvariantCulture, out long version))
        {
            throw Damaged(path, "its first line is not that of a grain's state");
        }

        ReadOnlyMemory<byte> json = bytes.AsMemory(end + 1);
        return head[3] == ChecksumOf(version, json.Span) ? (version, json) : throw Damaged(path, "its checksum is another");
    }

    private static string ChecksumOf(long version, ReadOnlySpan<byte> json) =>
        BlobHash.Of([.. BitConverter.GetBytes(version), .. json]).Hex[..32];

    private static StorageException Damaged(string path, string why) =>
        new(path, $"'{path}' is damaged: {why}. Restore it from a copy of the folder; what it says cannot be guessed.");
}
