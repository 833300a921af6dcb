using System.Collections.Immutable;

namespace DiPaCo.Serving.Grids;

/// <summary><c>manifest.json</c> of an exported model.</summary>
/// <param name="Format">Which layout this is, <see cref="ExportedGrid.FormatName"/>.</param>
/// <param name="Model">What the model is.</param>
/// <param name="Files">Every file but the manifest itself and the words for people, with its hash.</param>
internal sealed record GridManifest(string Format, GridDescription Model, ImmutableArray<GridFile> Files);
