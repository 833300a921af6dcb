using System.Security.Cryptography.X509Certificates;
using DiPaCo.Core;
using Npgsql;

namespace DiPaCo.Cluster;

/// <summary>Where the silos of a cluster are reached, and the certificate that they share: one invitation opens each of them, also those that come later.</summary>
/// <param name="connectionString">The database. Never logged.</param>
/// <param name="time">For the certificate's beginning.</param>
public sealed class DatabaseDoor(string connectionString, TimeProvider time)
{
    private readonly DatabaseCalls _calls = new(connectionString, time);

    /// <summary>The cluster's own certificate; the first silo makes it.</summary>
    public Task<X509Certificate2> CertificateAsync(CancellationToken cancellationToken) => _calls.RunAsync(async connection =>
    {
        await DatabaseCalls.ExecuteAsync(
            connection, "INSERT INTO dipaco_certificate (number, pkcs12) VALUES (1, $1) ON CONFLICT DO NOTHING", cancellationToken, ServerCertificate.Make(time.GetUtcNow()));
        byte[] pkcs12 = (byte[])(await DatabaseCalls.ScalarAsync(connection, "SELECT pkcs12 FROM dipaco_certificate", cancellationToken))!;
        return X509CertificateLoader.LoadPkcs12(pkcs12, null, X509KeyStorageFlags.Exportable);
    }, cancellationToken);

    /// <summary>A silo is open. Where it was open before, under the same name, it is no more.</summary>
    /// <param name="silo">Its name.</param>
    /// <param name="door">Where, and with which certificate.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task OpenAsync(string silo, DoorFile door, CancellationToken cancellationToken) => _calls.RunAsync(async connection =>
    {
        await DatabaseCalls.ExecuteAsync(connection, "DELETE FROM dipaco_door WHERE silo = $1", cancellationToken, silo);
        foreach (string address in door.Addresses)
        {
            await DatabaseCalls.ExecuteAsync(
                connection, "INSERT INTO dipaco_door (address, silo, certificate) VALUES ($1, $2, $3) ON CONFLICT (address) DO UPDATE SET silo = excluded.silo, certificate = excluded.certificate, opened = now()",
                cancellationToken, address, silo, door.Certificate);
        }

        return true;
    }, cancellationToken);

    /// <summary>A silo has closed for good.</summary>
    /// <param name="door">What it had opened.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task CloseAsync(DoorFile door, CancellationToken cancellationToken) => _calls.RunAsync(
        connection => DatabaseCalls.ExecuteAsync(connection, "DELETE FROM dipaco_door WHERE address = ANY($1)", cancellationToken, door.Addresses.ToArray()), cancellationToken);

    /// <summary>The silos that were opened and not closed, the newest certificate's only: one invitation has one.</summary>
    /// <exception cref="DiPaCoException">None ever was.</exception>
    public Task<DoorFile> ReadAsync(CancellationToken cancellationToken) => _calls.RunAsync(async connection =>
    {
        await using NpgsqlCommand command = DatabaseCalls.Command(connection, "SELECT address, certificate FROM dipaco_door ORDER BY opened DESC, address");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(string Address, string Certificate)> doors = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            doors.Add((reader.GetString(0), reader.GetString(1)));
        }

        return doors.Count > 0
            ? new DoorFile([.. doors.Where(door => door.Certificate == doors[0].Certificate).Select(door => door.Address)], doors[0].Certificate)
            : throw new DiPaCoException("No silo of this cluster is open. Start one first ('dipaco silo').");
    }, cancellationToken);
}
