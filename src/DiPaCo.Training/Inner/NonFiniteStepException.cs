using DiPaCo.Core;

namespace DiPaCo.Training;

/// <summary>A loss, a gradient or an outer gradient is not finite; nothing was changed by it.</summary>
/// <param name="message">What is not finite, at which step, and what may help.</param>
public sealed class NonFiniteStepException(string message) : DiPaCoException(message);
