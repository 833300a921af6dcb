using DiPaCo.Core;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Export;

/// <summary>The parameters of one path, read tensor by tensor from its modules' files: only one is in memory at a time.</summary>
internal sealed class PathWeights : IDisposable
{
    private readonly Dictionary<string, (SafeTensorsReader Reader, NamedTensor Tensor)> _tensors = [];
    private readonly List<SafeTensorsReader> _readers = [];

    private PathWeights()
    {
    }

    /// <summary>Opens the files of a path.</summary>
    /// <exception cref="DiPaCoException">One is missing or damaged.</exception>
    public static async Task<PathWeights> OpenAsync(ServedGrid grid, PathId path, CancellationToken cancellationToken)
    {
        PathWeights weights = new();
        try
        {
            foreach (GridModule module in grid.ModulesOf(path))
            {
                SafeTensorsReader reader = SafeTensorsReader.Open(await grid.GetFileAsync(module.Blob, cancellationToken));
                weights._readers.Add(reader);
                foreach (NamedTensor tensor in module.Definition.Layout.Tensors)
                {
                    weights._tensors.Add(tensor.Name, (reader, tensor));
                }
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Reads one tensor, its elements row after row.</summary>
    /// <exception cref="DiPaCoException">The module's file has it in another shape, or not at all.</exception>
    public float[] Read(LlamaTensor wanted)
    {
        (SafeTensorsReader reader, NamedTensor tensor) = _tensors[wanted.Source];
        float[] values = new float[wanted.Length];
        reader.ReadPart<float>(TensorSpec.Of(tensor), (long)wanted.FirstRow * Math.Max(1, wanted.Columns), values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _readers.ForEach(reader => reader.Dispose());
}
