using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>The connection string of a database by what a user gives: itself, <c>env:NAME</c> or <c>file:PATH</c>. It is never shown: it may hold a password.</summary>
public static class DatabasePlace
{
    private const string Environment = "env:";
    private const string File = "file:";
    private const int MostBytes = 64 << 10;

    /// <summary>Finds the connection string.</summary>
    /// <exception cref="DiPaCoException">There is none where it should be.</exception>
    public static string Read(string given)
    {
        if (given.StartsWith(Environment, StringComparison.Ordinal))
        {
            string name = given[Environment.Length..];
            return System.Environment.GetEnvironmentVariable(name) is { Length: > 0 } found ? found
                : throw new DiPaCoException($"--database names the environment variable '{name}', which is not set.");
        }

        if (given.StartsWith(File, StringComparison.Ordinal))
        {
            string path = given[File.Length..];
            try
            {
                return new FileInfo(path).Length <= MostBytes ? System.IO.File.ReadAllText(path).Trim()
                    : throw new DiPaCoException($"'{path}' is too long for a connection string.");
            }
            catch (Exception exception) when (StorageErrors.IsStorage(exception))
            {
                throw StorageErrors.Explain(exception, "read", path);
            }
        }

        return given;
    }
}
