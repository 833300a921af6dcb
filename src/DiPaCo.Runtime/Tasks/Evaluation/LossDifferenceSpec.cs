using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Compares two versions of a path on the same documents, for early stopping (paper §2.7). No blob; metrics: <see cref="LossDifference"/>.
/// </summary>
/// <param name="Earlier">Losses of the earlier version: a <see cref="LossMatrix"/> of one path.</param>
/// <param name="Later">Losses of the later one.</param>
public sealed record LossDifferenceSpec(BlobHash Earlier, BlobHash Later) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "loss-difference";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [Earlier, Later];
}
