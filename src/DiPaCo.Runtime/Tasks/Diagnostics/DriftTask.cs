using System.Collections.Immutable;
using System.Runtime.Intrinsics;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="DriftSpec"/>: the products of all pairs of d_i, tensor by tensor, so that no module is ever in memory as a whole.</summary>
internal static class DriftTask
{
    public static async Task<TaskResult> ExecuteAsync(DriftSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Modules[0].Parts);
        using SafeTensorsReader baseModel = SafeTensorsReader.Open(await store.GetFileAsync(spec.Base, cancellationToken));
        List<SafeTensorsReader> modules = [];
        try
        {
            foreach (ModuleInput module in spec.Modules)
            {
                modules.Add(SafeTensorsReader.Open(await store.GetFileAsync(module.Blob, cancellationToken)));
            }

            return new TaskResult(
                ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(Measure(layout, baseModel, modules, cancellationToken), TaskJson.Options));
        }
        finally
        {
            modules.ForEach(module => module.Dispose());
        }
    }

    private static DriftMetrics Measure(ModuleLayout layout, SafeTensorsReader baseModel, List<SafeTensorsReader> modules, CancellationToken cancellationToken)
    {
        int n = modules.Count;
        double baseSquares = 0;
        double[] products = new double[n * n];
        foreach (NamedTensor tensor in layout.Tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[] origin = Read(baseModel, tensor);
            baseSquares += Dot(origin, origin);
            float[][] deltas = [.. modules.Select(module => Read(module, tensor))];
            foreach (float[] delta in deltas)
            {
                for (int i = 0; i < delta.Length; i++)
                {
                    delta[i] -= origin[i];
                }
            }

            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j <= i; j++)
                {
                    products[(i * n) + j] += Dot(deltas[i], deltas[j]);
                    products[(j * n) + i] = products[(i * n) + j];
                }
            }
        }

        double norm = Math.Sqrt(baseSquares);
        double[] lengths = [.. Enumerable.Range(0, n).Select(i => Math.Sqrt(products[(i * n) + i]))];
        return new DriftMetrics(
            [.. lengths.Select(length => length / norm)],
            [.. Pairs((i, j) => Math.Sqrt(Math.Max(0, products[(i * n) + i] + products[(j * n) + j] - (2 * products[(i * n) + j]))) / norm)],
            [.. Pairs((i, j) => lengths[i] > 0 && lengths[j] > 0 ? Math.Clamp(products[(i * n) + j] / (lengths[i] * lengths[j]), -1, 1) : 0)]);

        IEnumerable<double> Pairs(Func<int, int, double> of) => Enumerable.Range(0, n).SelectMany(i => Enumerable.Range(0, n).Select(j => of(i, j)));
    }

    private static float[] Read(SafeTensorsReader reader, NamedTensor tensor)
    {
        float[] values = new float[tensor.Length];
        unsafe
        {
            fixed (float* start = values)
            {
                reader.ReadInto(TensorSpec.Of(tensor), (nint)start);
            }
        }

        return values;
    }

    /// <summary>Σ a·b in double precision, in the same order on every processor.</summary>
    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector512<double> sums = Vector512<double>.Zero;
        int width = Vector512<float>.Count;
        int i = 0;
        for (; i <= a.Length - width; i += width)
        {
            (Vector512<double> aLow, Vector512<double> aHigh) = Vector512.Widen(Vector512.Create(a.Slice(i, width)));
            (Vector512<double> bLow, Vector512<double> bHigh) = Vector512.Widen(Vector512.Create(b.Slice(i, width)));
            sums += (aLow * bLow) + (aHigh * bHigh);
        }

        double sum = Vector512.Sum(sums);
        for (; i < a.Length; i++)
        {
            sum += (double)a[i] * b[i];
        }

        return sum;
    }
}
