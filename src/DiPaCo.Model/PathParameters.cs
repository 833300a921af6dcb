using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Buffers;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>
/// The parameters of one path: its modules' flat buffers one behind the other in one fp32 buffer, and a gradient
/// buffer of the same layout. A module is a slice of both.
/// </summary>
public sealed class PathParameters : IDisposable
{
    private readonly Dictionary<string, Parameter> _byName = new(StringComparer.Ordinal);
    private readonly bool[] _stale;

    /// <summary>Any modules, as plain buffers: their tensors cannot be asked for by name.</summary>
    internal PathParameters(IReadOnlyList<ModuleDefinition> modules, ComputeType type, Device device)
    {
        Segments = Arrange(modules);
        _stale = new bool[Segments.Length];
        IsComputeStale = true;
        Length = Segments[^1].Offset + Segments[^1].Length;
        Buffers = new PathBuffers(Length, Segments.SelectMany(s => s.Layout.Tensors).Where(t => t.IsMatrix).Max(t => t.Length), type, device);
    }

    /// <summary>The modules of a path.</summary>
    internal PathParameters(TransformerShape shape, IReadOnlyList<ModuleDefinition> modules, ComputeType type, Device device)
        : this(modules, type, device)
    {
        foreach (ParameterSegment segment in Segments)
        {
            foreach (NamedTensor tensor in segment.Layout.Tensors)
            {
                _byName.Add(tensor.Name, new Parameter(tensor, segment.Offset + tensor.Offset, Buffers));
            }
        }

        IEnumerable<TransformerPart> owned = Segments.SelectMany(segment => segment.Layout.Parts).Order(PartOrder);
        if (!owned.SequenceEqual(TransformerPart.All(shape.Blocks)))
        {
            Dispose();
            throw new ArgumentException($"The modules do not own every part of a transformer of {shape.Blocks} blocks exactly once.", nameof(modules));
        }
    }

    /// <summary>The modules in the order of the buffers.</summary>
    public ImmutableArray<ParameterSegment> Segments { get; }

    /// <summary>Elements of each flat buffer, padding included.</summary>
    public long Length { get; }

    /// <summary>Parameters, padding excluded.</summary>
    public long Count => Segments.Sum(segment => segment.Layout.Parameters);

    internal PathBuffers Buffers { get; }

    /// <summary>Whether the master was written since the compute copy was made.</summary>
    internal bool IsComputeStale
    {
        get => _stale.Contains(true);
        set => Array.Fill(_stale, value);
    }

    /// <summary>The modules that were.</summary>
    internal IEnumerable<ParameterSegment> StaleSegments => Segments.Where((_, i) => _stale[i]);

    internal IEnumerable<Parameter> All => Segments.SelectMany(segment => segment.Layout.Tensors).Select(tensor => _byName[tensor.Name]);

    /// <summary>The place of a module.</summary>
    /// <exception cref="ArgumentException">The path has no such module.</exception>
    public ParameterSegment Segment(ModuleId module) =>
        Segments.FirstOrDefault(segment => segment.Module == module)
            ?? throw new ArgumentException($"The path has no module {module}; it has {string.Join(", ", Segments.Select(s => s.Module))}.", nameof(module));

    /// <summary>The module's parameters in place. Only on the CPU; elsewhere use <see cref="Read"/>.</summary>
    public unsafe ReadOnlySpan<float> ParametersOf(ModuleId module) => SpanOf(Buffers.Master, module);

    /// <summary>The module's gradient in place. Only on the CPU.</summary>
    public unsafe ReadOnlySpan<float> GradientsOf(ModuleId module) => SpanOf(Buffers.Gradient, module);

    /// <summary>Copies the module's parameters, padding included, to <paramref name="destination"/>.</summary>
    public void Read(ModuleId module, Span<float> destination) => FlatCopy.Read(Buffers.Master, Segment(module), destination);

    /// <summary>Replaces the module's parameters, padding included, by <paramref name="source"/>.</summary>
    public void Write(ModuleId module, ReadOnlySpan<float> source)
    {
        ParameterSegment segment = Segment(module);
        FlatCopy.Write(Buffers.Master, segment, source);
        _stale[Segments.IndexOf(segment)] = true;
    }

    /// <summary>Writes the module's safetensors file (<see cref="ModuleFile"/>), on the CPU without a copy of the parameters.</summary>
    /// <param name="module">A module of the path.</param>
    /// <param name="destination">Receives the file, front to back.</param>
    public void Save(ModuleId module, Stream destination)
    {
        ParameterSegment segment = Segment(module);
        if (Buffers.Master.IsOnCpu)
        {
            ModuleFile.Write(destination, segment.Layout, ParametersOf(module));
            return;
        }

        float[] parameters = new float[segment.Length];
        Read(module, parameters);
        ModuleFile.Write(destination, segment.Layout, parameters);
    }

    /// <summary>Replaces the module's parameters by those of a safetensors file, on the CPU without a copy of them.</summary>
    /// <param name="module">A module of the path.</param>
    /// <param name="file">The file.</param>
    /// <exception cref="SafeTensors.SafeTensorsException">The file is damaged or belongs to another module; parameters may be overwritten in part.</exception>
    public unsafe void Load(ModuleId module, string file)
    {
        ParameterSegment segment = Segment(module);
        _stale[Segments.IndexOf(segment)] = true;
        if (Buffers.Master.IsOnCpu)
        {
            ModuleFile.Read(file, segment.Layout, new Span<float>(Buffers.Master.Floats + segment.Offset, checked((int)segment.Length)));
            return;
        }

        float[] parameters = new float[segment.Length];
        ModuleFile.Read(file, segment.Layout, parameters);
        Write(module, parameters);
    }

    /// <summary>
    /// Draws fresh parameters: matrices normal with deviation 0.02, those that write to the residual stream
    /// 0.02 / √(2·blocks), gains 1, padding 0. Each tensor has its own stream, named by it, so that a module starts alike in whatever path.
    /// </summary>
    /// <param name="seed">The run's seed.</param>
    public void Initialize(long seed) => Initializer.Fill(this, seed);

    /// <summary>Sets the gradient to zero.</summary>
    public void ClearGradients() => Buffers.Gradient.Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parameter parameter in _byName.Values)
        {
            parameter.Dispose();
        }

        Buffers.Dispose();
    }

    internal Parameter this[string name] => _byName[name];

    private static ImmutableArray<ParameterSegment> Arrange(IReadOnlyList<ModuleDefinition> modules)
    {
        ImmutableArray<ParameterSegment>.Builder segments = ImmutableArray.CreateBuilder<ParameterSegment>(modules.Count);
        long offset = 0;
        foreach (ModuleDefinition module in modules)
        {
            segments.Add(new ParameterSegment(module.Id, module.Layout, offset));
            offset += module.Layout.Length;
        }

        return segments.MoveToImmutable();
    }

    private unsafe ReadOnlySpan<float> SpanOf(TensorBuffer buffer, ModuleId module)
    {
        ParameterSegment segment = Segment(module);
        return new ReadOnlySpan<float>(buffer.Floats + segment.Offset, checked((int)segment.Length));
    }

    private static Comparer<TransformerPart> PartOrder { get; } = Comparer<TransformerPart>.Create(
        (a, b) => (Rank(a), a.Block).CompareTo((Rank(b), b.Block)));

    private static int Rank(TransformerPart part) => part.Kind switch
    {
        TransformerPartKind.Embedding => 0,
        TransformerPartKind.Block => 1,
        _ => 2,
    };
}
