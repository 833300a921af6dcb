using DiPaCo.Core;

namespace DiPaCo.Runtime.Recipe;

/// <summary>A dense model to compare with, as <c>model.json</c> names it.</summary>
/// <param name="Name">Its row's name.</param>
/// <param name="Blob">Its parameters.</param>
internal sealed record ReferenceModel(string Name, BlobHash Blob);
