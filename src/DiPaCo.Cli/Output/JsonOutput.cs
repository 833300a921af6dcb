using System.Text.Json;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Output;

/// <summary>Output for scripts.</summary>
internal static class JsonOutput
{
    /// <summary>Writes one object to standard output.</summary>
    public static void Write<T>(Terminal terminal, T value) => terminal.WriteLine(JsonSerializer.Serialize(value, RunJson.Indented));
}
