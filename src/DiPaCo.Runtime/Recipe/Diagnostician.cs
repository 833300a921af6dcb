using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Looks at a trained model: what its shards are about, and how far its modules came from each other.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
internal sealed class Diagnostician(RunSession session, ModelTopology topology)
{
    private const int TopicsPerShard = 12;

    // A picture of more cannot be read, and pairs are many.
    private const int MostModules = 32;

    /// <summary>The topics of every shard.</summary>
    public async Task<ImmutableArray<ShardTopics>> TopicsAsync(RoutedCorpus routed, BlobHash tokenizer, CancellationToken cancellationToken)
    {
        TopicsSpec spec = new([.. routed.Chunks.Select(shard => new ShardInput(shard.Key, shard.Value))], tokenizer, TopicsPerShard);
        TaskResult result = await session.Tasks.RunAsync(spec, null, cancellationToken);
        return JsonSerializer.Deserialize<TopicsMetrics>(result.Metrics, TaskJson.Options)!.Shards;
    }

    /// <summary>The drift of every group of modules that own the same parts: the experts of a level, the paths' own embeddings.</summary>
    public async Task<ImmutableArray<LevelDrift>> DriftAsync(ModelVersion model, BlobHash baseModel, CancellationToken cancellationToken)
    {
        ImmutableArray<LevelDrift>.Builder drifts = ImmutableArray.CreateBuilder<LevelDrift>();
        IEnumerable<ModuleDefinition[]> groups = topology.Modules
            .GroupBy(module => string.Join(' ', module.Layout.Parts))
            .Select(group => group.OrderBy(module => module.Paths[0]).ThenBy(module => module.Id).Take(MostModules).ToArray())
            .Where(group => group.Length > 1)
            .OrderBy(group => group[0].Id);
        foreach (ModuleDefinition[] group in groups)
        {
            DriftSpec spec = new(
                topology.Shape, baseModel, [.. group.Select(module => new ModuleInput(module.Id, module.Layout.Parts, model.Modules[module.Id]))]);
            TaskResult result = await session.Tasks.RunAsync(spec, null, cancellationToken);
            DriftMetrics metrics = JsonSerializer.Deserialize<DriftMetrics>(result.Metrics, TaskJson.Options)!;
            drifts.Add(new LevelDrift([.. group.Select(module => module.Id)], metrics.FromBase, metrics.Distance, metrics.Cosine));
        }

        return drifts.ToImmutable();
    }
}
