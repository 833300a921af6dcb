using System.Collections.Immutable;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>dipaco export --json</c> says.</summary>
/// <param name="Name">Name of the run.</param>
/// <param name="ModelDigest">Which model it was.</param>
/// <param name="Format">hf, gguf or dipaco.</param>
/// <param name="Paths">The paths that were exported.</param>
/// <param name="Output">The file or folder.</param>
/// <param name="Bytes">Its size.</param>
internal sealed record ExportResult(string Name, string ModelDigest, string Format, ImmutableArray<int> Paths, string Output, long Bytes);
