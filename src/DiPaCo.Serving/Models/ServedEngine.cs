using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Models;

/// <summary>A model with the engine that computes it.</summary>
internal sealed class ServedEngine : IAsyncDisposable
{
    private ServedEngine(ModuleStore store, ModelSource source, GenerationEngine engine)
    {
        Store = store;
        Source = source;
        Engine = engine;
    }

    /// <summary>The weights.</summary>
    public ModuleStore Store { get; }

    /// <summary>The model.</summary>
    public ModelSource Source { get; }

    /// <summary>The engine.</summary>
    public GenerationEngine Engine { get; }

    /// <summary>Opens a model.</summary>
    /// <param name="folder">A run's folder, or an exported one.</param>
    /// <param name="weights">How weights are stored; null: as the run trained.</param>
    /// <param name="weightBytes">Most bytes of weights.</param>
    /// <param name="options">Limits of the engine, its clock and where it reads idly.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="DiPaCoException">The folder has no model, or it is damaged.</exception>
    public static async Task<ServedEngine> OpenAsync(string folder, WeightType? weights, long weightBytes, EngineOptions options, CancellationToken cancellationToken)
    {
        Grids.GridDescription description = Grids.ServedGrid.Open(folder).Description;
        WeightType type = weights ?? (description.Compute == ComputeType.Bf16 ? WeightType.Bf16 : WeightType.Fp32);
        ModuleStore store = new(type, weightBytes, options.Idle);
        try
        {
            ModelSource source = await ModelSource.OpenAsync(folder, store, options.Time, cancellationToken);
            ModelTopology topology = source.Current.Grid.Topology;
            return new ServedEngine(store, source, new GenerationEngine(
                topology.Shape, BoundariesOf(topology), description.SequenceLength, topology.Paths.Length, type, options));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The blocks above the first at which two paths may part: where a module begins that not all paths have.</summary>
    public static ImmutableArray<int> BoundariesOf(ModelTopology topology)
    {
        SortedSet<int> boundaries = [];
        foreach (PathId path in topology.Paths)
        {
            ModuleId? before = null;
            foreach ((int block, ModuleDefinition module) in topology.ModulesOf(path)
                .SelectMany(module => module.Layout.Parts.Where(part => part.Kind == TransformerPartKind.Block).Select(part => (part.Block, module)))
                .OrderBy(pair => pair.Block))
            {
                if (block > 0 && module.Id != before && module.Paths.Length < topology.Paths.Length)
                {
                    boundaries.Add(block);
                }

                before = module.Id;
            }
        }

        // Where every path has an embedding of its own, no two have anything in common.
        return topology.Modules.Any(module => module.Layout.Parts.Contains(TransformerPart.Embedding) && module.Paths.Length > 1) ? [.. boundaries] : [];
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Engine.Dispose();
        Store.Dispose();
        return ValueTask.CompletedTask;
    }
}
