using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Which share of the origins goes where; the rest trains. The split is a function of the origin's hash alone, so it never changes
/// when documents are added, and parts of one original never straddle it.
/// </summary>
/// <param name="Validation">Share for validation, default 0.02.</param>
/// <param name="Test">Share for the final test, default 0.02.</param>
/// <param name="Router">Share for the discriminative router, default 0.005 (paper §7.2.1).</param>
public sealed record SplitFractions(double Validation = 0.02, double Test = 0.02, double Router = 0.005)
{
    /// <summary>The split of an origin with this hash (<see cref="DocumentOrigin.Hash"/>).</summary>
    public Split Of(ulong originHash)
    {
        double position = (originHash >> 11) * (1.0 / (1UL << 53));
        return position < Validation ? Split.Validation
            : position < Validation + Test ? Split.Test
            : position < Validation + Test + Router ? Split.Router
            : Split.Train;
    }

    /// <summary>The share of a split.</summary>
    public double this[Split split] => split switch
    {
        Split.Validation => Validation,
        Split.Test => Test,
        Split.Router => Router,
        _ => 1 - Validation - Test - Router,
    };

    /// <summary>Refuses shares that are negative or leave nothing to train on.</summary>
    public void Validate()
    {
        double sum = Validation + Test + Router;
        if (!(Validation >= 0 && Test >= 0 && Router >= 0 && sum < 1))
        {
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"The split shares validation {Validation}, test {Test} and router {Router} must be 0 or more and leave something to train on (sum below 1, not {sum})."));
        }
    }
}
