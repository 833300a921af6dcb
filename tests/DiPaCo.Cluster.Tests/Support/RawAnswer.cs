namespace DiPaCo.Cluster.Tests.Support;

/// <summary>What a server said.</summary>
/// <param name="Status">The status code; 0 if it closed the connection without an answer.</param>
/// <param name="Text">All of it.</param>
internal sealed record RawAnswer(int Status, string Text)
{
    public bool IsProblem(string type) =>
        Text.Contains("Content-Type: application/problem+json", StringComparison.Ordinal) && Text.Contains($"\"type\":\"urn:dipaco:blob:{type}\"", StringComparison.Ordinal);

    public string? Header(string name) => Text.Split("\r\n\r\n")[0].Split("\r\n")
        .Where(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 2)..])
        .FirstOrDefault();
}
