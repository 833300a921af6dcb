using DiPaCo.Core;

namespace DiPaCo.Serving.Models;

/// <summary>A version of the model is whole, but not one that can do what was asked for.</summary>
internal sealed class UnsuitedModelException(string message) : DiPaCoException(message);
