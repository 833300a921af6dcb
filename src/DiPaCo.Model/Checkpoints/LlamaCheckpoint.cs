using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Model.Checkpoints;

/// <summary>
/// A checkpoint folder of Hugging Face's Llama layout: <c>config.json</c>, and <c>model.safetensors</c> or several files with
/// <c>model.safetensors.index.json</c>. Where it comes from is unknown: everything is checked before anything is allocated.
/// </summary>
public sealed class LlamaCheckpoint : IDisposable
{
    private const long MaxJsonBytes = 64 << 20;

    private const string Weights = "model.safetensors";

    private readonly string _folder;
    private readonly ImmutableArray<SafeTensorsReader> _readers;
    private readonly Dictionary<string, SafeTensorsReader> _tensors = new(StringComparer.Ordinal);

    private LlamaCheckpoint(string folder, TransformerShape shape, ImmutableArray<SafeTensorsReader> readers)
    {
        _folder = folder;
        Shape = shape;
        _readers = readers;
        foreach (SafeTensorsReader reader in readers)
        {
            foreach (StoredTensor tensor in reader.Tensors)
            {
                _tensors.TryAdd(tensor.Spec.Name, reader);
            }
        }
    }

    /// <summary>The transformer that the checkpoint holds.</summary>
    public TransformerShape Shape { get; }

    /// <summary>The files that hold parameters, in the order of their names.</summary>
    public ImmutableArray<string> Files => [.. _readers.Select(reader => reader.Path)];

    /// <summary>Opens a folder.</summary>
    /// <exception cref="DiPaCoException">It is not there, damaged, or of another architecture.</exception>
    public static LlamaCheckpoint Open(string folder)
    {
        TransformerShape shape = CheckpointConfig.Read(Path.Combine(folder, "config.json"));
        List<SafeTensorsReader> readers = [];
        try
        {
            readers.AddRange(FilesIn(folder).Select(SafeTensorsReader.Open));
            return new LlamaCheckpoint(folder, shape, [.. readers]);
        }
        catch
        {
            readers.ForEach(reader => reader.Dispose());
            throw;
        }
    }

    /// <summary>Writes the parameters into the flat buffer of a dense model.</summary>
    /// <param name="shape">The transformer wanted: this one, but for a vocabulary that may be smaller; padding behind the tokenizer's entries is left out.</param>
    /// <param name="layout">All parts of the transformer.</param>
    /// <param name="flat">The buffer, <see cref="ModuleLayout.Length"/> elements.</param>
    /// <exception cref="DiPaCoException">A tensor is missing or has another shape or type.</exception>
    public void ReadInto(TransformerShape shape, ModuleLayout layout, Span<float> flat)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(flat.Length, layout.Length);
        Dictionary<string, NamedTensor> places = layout.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        flat.Clear();
        foreach (LlamaTensor tensor in LlamaTensor.Of(shape))
        {
            NamedTensor place = places[tensor.Source];
            Read(tensor, flat.Slice((int)(place.Offset + ((long)tensor.FirstRow * Math.Max(1, tensor.Columns))), (int)tensor.Length));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SafeTensorsReader reader in _readers)
        {
            reader.Dispose();
        }
    }

    private void Read(LlamaTensor tensor, Span<float> destination)
    {
        if (!_tensors.TryGetValue(tensor.Name, out SafeTensorsReader? reader))
        {
            throw new DiPaCoException($"'{_folder}' has no tensor {tensor.Name}, which its config.json promises.");
        }

        TensorSpec spec = reader.Find(tensor.Name).Spec;
        bool fits = spec.Shape.Length == tensor.Shape.Length && spec.Shape.Skip(1).SequenceEqual(tensor.Shape.Skip(1))
            && (spec.Shape[0] == tensor.Rows || (IsPerToken(tensor) && spec.Shape[0] > tensor.Rows));
        if (!fits)
        {
            throw new DiPaCoException($"The tensor {tensor.Name} in '{reader.Path}' is {spec}, expected {string.Join(" × ", tensor.Shape)}.");
        }

        switch (spec.DType)
        {
            case TensorDType.F32:
                reader.ReadPart(spec, 0, destination);
                break;
            case TensorDType.BF16:
            case TensorDType.F16:
                ushort[] halves = new ushort[destination.Length];
                reader.ReadPart<ushort>(spec, 0, halves);
                Widen(halves, spec.DType, destination);
                break;
            default:
                throw new DiPaCoException($"The tensor {tensor.Name} in '{reader.Path}' is {spec}, expected F32, F16 or BF16.");
        }

        foreach (float value in destination)
        {
            if (!float.IsFinite(value))
            {
                throw new DiPaCoException($"The tensor {tensor.Name} in '{reader.Path}' has the number {value}; a model of it would predict nothing.");
            }
        }
    }

    private static void Widen(ReadOnlySpan<ushort> halves, TensorDType type, Span<float> destination)
    {
        if (type == TensorDType.F16)
        {
            ReadOnlySpan<Half> numbers = MemoryMarshal.Cast<ushort, Half>(halves);
            for (int at = 0; at < numbers.Length; at++)
            {
                destination[at] = (float)numbers[at];
            }

            return;
        }

        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination);
        for (int at = 0; at < halves.Length; at++)
        {
            bits[at] = (uint)halves[at] << 16;
        }
    }

    private static bool IsPerToken(LlamaTensor tensor) => tensor.Source is TensorNames.Embedding or TensorNames.Head;

    private static IEnumerable<string> FilesIn(string folder)
    {
        string index = Path.Combine(folder, Weights + ".index.json");
        if (!File.Exists(index))
        {
            return [Path.Combine(folder, Weights)];
        }

        try
        {
            FileInfo file = new(index);
            if (file.Length > MaxJsonBytes)
            {
                throw new DiPaCoException($"'{index}' has {file.Length} bytes, expected at most {MaxJsonBytes}.");
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(index));
            SortedSet<string> names = new(StringComparer.Ordinal);
            foreach (JsonProperty tensor in document.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                string name = tensor.Value.GetString() ?? "";
                if (name.Length == 0 || name != Path.GetFileName(name))
                {
                    throw new DiPaCoException($"'{index}' names the file '{name}' for {tensor.Name}; expected a name without a folder.");
                }

                names.Add(name);
            }

            return [.. names.Select(name => Path.Combine(folder, name))];
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{index}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
