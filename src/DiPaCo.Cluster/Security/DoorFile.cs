using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>Where a silo is reached, written down in its folder, so that invitations can be made while it runs and after. Nothing in it is secret.</summary>
/// <param name="Addresses">Addresses as workers reach them.</param>
/// <param name="Certificate">SHA-256 of the certificate; empty without TLS.</param>
public sealed record DoorFile(ImmutableArray<string> Addresses, string Certificate)
{
    private const string Name = "door.json";
    private const int MostBytes = 64 << 10;

    /// <summary>Writes it into a silo's folder.</summary>
    /// <exception cref="StorageException">The folder cannot be written to.</exception>
    public void Write(string folder) => DurableFile.WriteAllBytes(Path.Combine(folder, Name), JsonSerializer.SerializeToUtf8Bytes(this));

    /// <summary>Reads it from a silo's folder.</summary>
    /// <exception cref="DiPaCoException">No silo has listened from there, or the file is damaged.</exception>
    public static DoorFile Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        try
        {
            FileInfo file = new(path);
            if (!file.Exists)
            {
                throw new DiPaCoException($"'{folder}' is no folder of a silo that listens ('{Name}' is not there). Name the folder of a run that was started with --listen.");
            }

            return file.Length <= MostBytes && JsonSerializer.Deserialize<DoorFile>(File.ReadAllBytes(path)) is { Addresses.IsDefaultOrEmpty: false } door
                ? door
                : throw new JsonException("it names no address");
        }
        catch (JsonException exception)
        {
            throw new DiPaCoException($"'{path}' is damaged: {exception.Message}. The run writes it anew when it is started again.", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "read", path);
        }
    }

    /// <summary>One string with which somebody joins.</summary>
    /// <param name="token">The token.</param>
    public Invitation InvitationFor(string token) => new([.. Addresses.Select(address => new Uri(address))], Certificate, token);
}
