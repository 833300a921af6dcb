using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>How far the paths of a module have moved it in a phase: what the guard holds a further path against.</summary>
/// <param name="maximumRatio">How many times the median of the others is believed; 0: everything is.</param>
internal sealed class DeltaNorms(double maximumRatio)
{
    // Modules of a phase that are remembered: more than any run has at one time.
    private const int MostModules = 1 << 16;

    private readonly Dictionary<(string Run, ModuleId Module, BlobHash Start, int Steps), Dictionary<long, double>> _norms = [];
    private readonly Queue<(string Run, ModuleId Module, BlobHash Start, int Steps)> _order = new();

    /// <summary>Why a path's result is hard to believe, for people; null: it is not, or there is nothing to compare it with.</summary>
    public string? ObjectionTo(string run, TrainSpec spec, IEnumerable<ModuleNorm> norms)
    {
        foreach (ModuleNorm norm in norms)
        {
            if (maximumRatio > 0 && _norms.TryGetValue(KeyOf(run, spec, norm), out Dictionary<long, double>? known)
                && MedianOf(known.Where(other => other.Key != spec.Order).Select(other => other.Value)) is { } median
                && norm.Norm > maximumRatio * median)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"The delta of module {norm.Module} has the norm {norm.Norm:G4}, {norm.Norm / median:0.#} times the median {median:G4} of the other paths; at most {maximumRatio:0.#} times is believed.");
            }
        }

        return null;
    }

    /// <summary>Remembers a result that was taken.</summary>
    public void Add(string run, TrainSpec spec, IEnumerable<ModuleNorm> norms)
    {
        foreach (ModuleNorm norm in norms)
        {
            (string, ModuleId, BlobHash, int) key = KeyOf(run, spec, norm);
            if (!_norms.TryGetValue(key, out Dictionary<long, double>? known))
            {
                _norms[key] = known = [];
                _order.Enqueue(key);
                if (_order.Count > MostModules)
                {
                    _norms.Remove(_order.Dequeue());
                }
            }

            known[spec.Order] = norm.Norm;
        }
    }

    private static (string Run, ModuleId Module, BlobHash Start, int Steps) KeyOf(string run, TrainSpec spec, ModuleNorm norm) =>
        (run, norm.Module, norm.Start, spec.Steps);

    /// <summary>Null: there are none, or they say nothing because the modules stood still.</summary>
    private static double? MedianOf(IEnumerable<double> norms)
    {
        double[] sorted = [.. norms.Order()];
        return sorted.Length == 0 || sorted[sorted.Length / 2] == 0 ? null : sorted[sorted.Length / 2];
    }
}
