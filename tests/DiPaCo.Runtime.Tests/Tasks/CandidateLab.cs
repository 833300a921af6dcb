using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Scores the documents of a finished run under all paths and under candidates.</summary>
internal sealed class CandidateLab : IDisposable
{
    private readonly RunView _run;
    private readonly Workbench _bench;
    private readonly TokenCorpus _corpus;
    private readonly RoutedDocuments _documents;
    private readonly IRouter _router;

    public CandidateLab(RunView run)
    {
        _run = run;
        _bench = new Workbench(run);
        _corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
        _documents = RoutedDocuments.Of(_corpus, [.. run.Model.Features.Select(run.FileOf)], CancellationToken.None);
        _router = RouterCodec.Read(run.FileOf(run.Model.Router));
    }

    public RouterInput Input => _documents.Input;

    public RoutedDocuments Documents => _documents;

    public IRouter Router => _router;

    public void Dispose()
    {
        _documents.Dispose();
        _corpus.Dispose();
        _bench.Dispose();
    }

    public int NumberOf(DocumentId document) => _documents.NumbersOf([document])[0];

    public Task<TaskResult> RunAsync(TaskSpec spec) => _bench.ExecuteAsync(spec);

    public async Task<LossMatrix> ScoreAllAsync(Split split = Split.Test, int most = 0)
    {
        TaskResult chosen = await RunAsync(new HeldOutSpec(_run.Model!.Chunks, split, _run.Config.Routing.PrefixTokens, most));
        ulong lastRank = most == 0 ? HeldOutRank.All : JsonSerializer.Deserialize<HeldOutMetrics>(chosen.Metrics, TaskJson.Options)!.LastRank;
        ScoreSpec documents = new([], _run.Model.Chunks, _run.Model.Tokenizer, split, lastRank, _run.Sequences, Cell: 0);
        return await LossMatrixCodec.ReadAllAsync(
            await new PathScorer(_run.Topology, isParallel: false, (spec, _) => _bench.ExecuteAsync(spec)).RunAsync(PathOf, documents, CancellationToken.None), _bench.Store, CancellationToken.None);
    }

    /// <summary>The labels that the whole grid gives.</summary>
    public ImmutableArray<DocumentLabel> Labels(LossMatrix whole) =>
        DiscriminativeTask.Labels(new DiscriminativeSpec([], [], [], whole.Paths, 0, 0), whole);

    public async Task<(CandidateLosses[] Parts, CandidateMetrics Cost)> ScoreCandidatesAsync(int candidates, Split split = Split.Test)
    {
        List<CandidateLosses> parts = [];
        CandidateMetrics cost = new(0, 0, 0, 0);
        foreach (ImmutableArray<PathId> branch in PathScorer.BranchesOf(_run.Topology))
        {
            TaskResult result = await RunAsync(Spec(branch, candidates) with { Split = split });
            CandidateMetrics one = JsonSerializer.Deserialize<CandidateMetrics>(result.Metrics, TaskJson.Options)!;
            cost = new CandidateMetrics(
                0, cost.Candidates + one.Candidates, cost.ModuleEvaluations + one.ModuleEvaluations, cost.SeparateEvaluations + one.SeparateEvaluations)
            {
                Flops = cost.Flops + one.Flops,
            };
            parts.AddRange(await CandidateLossesCodec.ReadAllAsync([result[CandidateSpec.Output]], _bench.Store, CancellationToken.None));
        }

        return ([.. parts], cost);
    }

    public CandidateSpec Spec(ImmutableArray<PathId> branch, int candidates) => new(
        [.. branch.Select(path => new PathColumn(path, PathOf(path)))], _run.Model!.Chunks, _run.Model.Features, _run.Model.Router, candidates,
        Split.Test, HeldOutRank.All, _run.Sequences);

    /// <summary>A document's loss under the path of a column, added up naively.</summary>
    public double WholeLoss(LossMatrix whole, int document, int column)
    {
        double sum = whole.PrefixOf(document)[column];
        foreach (int cell in Enumerable.Range(0, whole.CellCount).Take(whole.CellsOf(document)))
        {
            sum += whole.LossesOf(cell)[column];
        }

        return sum;
    }

    /// <summary>The lowest loss under paths that chance chose.</summary>
    public double BestOfASample(LossMatrix whole, int document, int candidates)
    {
        RandomStream random = new(1, "candidate paths", document);
        return Enumerable.Range(0, whole.Paths.Length).OrderBy(_ => random.NextDouble()).Take(candidates).Min(path => WholeLoss(whole, document, path));
    }

    /// <summary>
    /// The other way to score a grid in part: begin with the router's path, try all experts of the first level, keep the best, and so on.
    /// Returns documents that end with the label of the whole grid, and the nats that are lost.
    /// </summary>
    public (int Equal, double Lost) LevelByLevel(LossMatrix whole, ImmutableArray<DocumentLabel> best)
    {
        int equal = 0;
        double lost = 0;
        PathGrid grid = _run.Topology.Grid;
        ImmutableArray<PathId> routed = _router.Route(Input.Select(_documents.NumbersOf(best.Select(label => label.Document))));
        for (int d = 0; d < best.Length; d++)
        {
            PathId path = routed[d];
            int stride = whole.Paths.Length;
            foreach (int experts in grid.Experts)
            {
                int block = stride;
                stride /= experts;
                int first = path.Value - (path.Value % block / stride * stride);
                path = Enumerable.Range(0, experts).Select(expert => new PathId(first + (expert * stride))).MinBy(other => WholeLoss(whole, d, other.Value));
            }

            equal += path == best[d].Path ? 1 : 0;
            lost += WholeLoss(whole, d, path.Value) - WholeLoss(whole, d, best[d].Path.Value);
        }

        return (equal, lost);
    }

    private PathInput PathOf(PathId path) => new(
        _run.Topology.Shape, _run.Config.Transformer.Compute,
        [.. _run.Topology.ModulesOf(path).Select(module => new ModuleInput(module.Id, module.Layout.Parts, _run.Model!.Modules[module.Id.Name]))]);
}
