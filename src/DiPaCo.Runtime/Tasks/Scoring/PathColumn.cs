using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A path that documents are scored under.</summary>
/// <param name="Path">Its number.</param>
/// <param name="Model">Its modules.</param>
public sealed record PathColumn(PathId Path, PathInput Model);
