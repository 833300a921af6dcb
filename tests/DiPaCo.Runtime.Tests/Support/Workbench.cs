using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using TorchSharp;

namespace DiPaCo.Runtime.Tests.Support;

/// <summary>Computes tasks on the blobs of a run without leaving anything in it.</summary>
internal sealed class Workbench : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LocalExecutor _executor = new(torch.CPU, 1, TimeProvider.System);
    private readonly RunView _run;

    public Workbench(RunView run)
    {
        _run = run;
        Store = new LayeredBlobStore(new FolderBlobStore(_folder.Path), run.Store);
    }

    public LayeredBlobStore Store { get; }

    public Task<TaskResult> ExecuteAsync(TaskSpec spec) => _executor.ExecuteAsync(spec, Store, null, CancellationToken.None);

    /// <summary>A path as it starts after the fork: its modules cut out of the base model.</summary>
    public async Task<PathInput> ForkedAsync(PathId path)
    {
        ImmutableArray<ModuleInput>.Builder modules = ImmutableArray.CreateBuilder<ModuleInput>();
        foreach (ModuleDefinition module in _run.Topology.ModulesOf(path))
        {
            modules.Add(new ModuleInput(module.Id, module.Layout.Parts, await ForkAsync(_run.Model!.Base.Parameters, module)));
        }

        return new PathInput(_run.Topology.Shape, _run.Config.Transformer.Compute, modules.ToImmutable());
    }

    /// <summary>The part of a dense model that a module owns.</summary>
    public async Task<BlobHash> ForkAsync(BlobHash dense, ModuleDefinition module) =>
        (await ExecuteAsync(new ForkSpec(_run.Topology.Shape, dense, module.Layout.Parts)))[OuterSpec.ModuleOutput];

    public void Dispose()
    {
        _executor.Dispose();
        _folder.Dispose();
    }
}
