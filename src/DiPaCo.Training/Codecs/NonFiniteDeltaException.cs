using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Training.Codecs;

/// <summary>A delta has an element that is not a finite number of a sensible size: the training that made it has diverged.</summary>
public sealed class NonFiniteDeltaException : DiPaCoException
{
    /// <summary>Creates the exception of an element.</summary>
    public NonFiniteDeltaException(int index, float value)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"Element {index} of a delta is {value}, expected a finite number of at most {ErrorFeedback.Largest:0e0}: the training has diverged. Lower the inner learning rate, or clip gradients.")) =>
        Index = index;

    /// <summary>The element.</summary>
    public int Index { get; }
}
