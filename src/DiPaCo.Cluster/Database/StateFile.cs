using System.Reflection;
using DiPaCo.Core;
using Microsoft.Data.Sqlite;

namespace DiPaCo.Cluster;

/// <summary>
/// The SQLite file in which a silo that stands alone keeps the state of its grains. Every write is on the disk when it is acknowledged, and a
/// process that is killed loses none of those.
/// </summary>
/// <param name="path">The file; made when it is not there.</param>
public sealed class StateFile(string path)
{
    /// <summary>The name under which the ADO.NET provider knows SQLite.</summary>
    public const string Invariant = "Microsoft.Data.Sqlite";

    private const int Schema = 1;

    /// <summary>How to open it, for the provider.</summary>
    public string ConnectionString { get; } = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 30 }.ToString();

    /// <summary>Makes the tables where there are none.</summary>
    /// <exception cref="DiPaCoException">The file is no such database, of a later version, damaged, or cannot be written.</exception>
    public void Prepare()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using SqliteConnection connection = new(ConnectionString);
            connection.Open();
            // The rollback journal with full synchronisation, SQLite's default, needs no second file to be copied with this one.
            using SqliteTransaction transaction = connection.BeginTransaction();
            long found = (long)Scalar(connection, "PRAGMA user_version");
            if (found > Schema)
            {
                throw new DiPaCoException($"'{path}' was made by a later version of dipaco (schema {found}, this one knows {Schema}). Use that version or a later one.");
            }

            if (found == 0)
            {
                using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("DiPaCo.Cluster.Database.sqlite-1.sql")
                    ?? throw new InvalidOperationException("The program lacks a part of itself: the schema of its state.");
                using StreamReader reader = new(stream);
                Execute(connection, reader.ReadToEnd());
                Execute(connection, $"PRAGMA user_version = {Schema}");
            }

            transaction.Commit();
        }
        catch (SqliteException exception)
        {
            throw new DiPaCoException($"The state '{path}' cannot be used: {exception.Message} Free space or permissions may be missing; a damaged file has to be restored from a copy.", exception);
        }
    }

    private static object Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = new(sql, connection);
        return command.ExecuteScalar()!;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = new(sql, connection);
        command.ExecuteNonQuery();
    }
}
