using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// The run, its paths and its modules in one segment, in this process: their states, and the messages between them. All decisions are the
/// rules'; here a message arrives at once. Not for several threads at once.
/// </summary>
internal sealed class SegmentParties
{
    private readonly TimeProvider _time;
    private readonly SortedDictionary<PathId, PathState> _paths = [];
    private readonly SortedDictionary<ModuleId, ModuleState> _modules = [];
    private readonly SortedSet<PathId> _talkingPaths = [];
    private readonly SortedSet<ModuleId> _talkingModules = [];

    /// <summary>Orders a segment.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="segment">The phases.</param>
    /// <param name="paths">Of every path.</param>
    /// <param name="modules">Of every module.</param>
    /// <param name="time">Tells since when somebody waits; reaches no result.</param>
    public SegmentParties(
        RunId run, Segment segment, ImmutableSortedDictionary<PathId, PathOrder> paths, ImmutableSortedDictionary<ModuleId, ModuleOrder> modules, TimeProvider time)
    {
        _time = time;
        Run = RunRules.Begin(new RunRecord(run), segment, paths, modules, Now);
        RunOutstanding orders = RunRules.Outstanding(Run);
        foreach (ModuleOrder order in orders.Modules)
        {
            ModuleId module = order.Start.Module;
            (_modules[module], OrderReply reply) = ModuleRules.Order(new ModuleState(run, module), order, Now);
            Run = RunRules.Heard(Run, module, reply, Now);
            _talkingModules.Add(module);
        }

        foreach ((PathId path, PathOrder order) in orders.Paths)
        {
            (_paths[path], OrderReply reply) = PathRules.Order(new PathState(run, path), order, Now);
            Run = RunRules.Heard(Run, path, reply, Now);
            _talkingPaths.Add(path);
        }

        Settle();
    }

    /// <summary>The run.</summary>
    public RunRecord Run { get; private set; }

    private DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>The training tasks that paths need now, in order of their ids; those under way are not among them.</summary>
    public IEnumerable<NeededTraining> Trainings => _paths.Values.Select(PathRules.TaskNeeded).OfType<NeededTraining>();

    /// <summary>The folds that modules need now, in order of their ids.</summary>
    public IEnumerable<NeededFold> Folds => _modules.Values.Select(ModuleRules.FoldNeeded).OfType<NeededFold>();

    /// <summary>The outer steps that modules need now, in order of their ids.</summary>
    public IEnumerable<NeededOuterStep> OuterSteps => _modules.Values.Select(ModuleRules.TaskNeeded).OfType<NeededOuterStep>();

    /// <summary>A path's task is under way.</summary>
    public void Start(NeededTraining needed, TaskKey key) =>
        _paths[needed.Path] = PathRules.Start(_paths[needed.Path], new TaskDemand(key, "train", Run.Run, TaskOwner.Of(needed.Path)), Now);

    /// <summary>A module's fold is under way.</summary>
    public void Start(NeededFold needed, TaskKey key) => _modules[needed.Start.Module] = ModuleRules.StartFold(
        _modules[needed.Start.Module], new TaskDemand(key, "fold", Run.Run, TaskOwner.Of(needed.Start.Module)), Now);

    /// <summary>A module's outer step is under way.</summary>
    public void Start(NeededOuterStep needed, TaskKey key) => _modules[needed.Start.Module] = ModuleRules.Start(
        _modules[needed.Start.Module], new TaskDemand(key, "outer", Run.Run, TaskOwner.Of(needed.Start.Module)), Now);

    /// <summary>A path's task is done; everybody hears what follows from it.</summary>
    public void Trained(PathId path, TaskKey key, TrainedPhase result)
    {
        _paths[path] = PathRules.Trained(_paths[path], key, result, Now);
        _talkingPaths.Add(path);
        Settle();
    }

    /// <summary>A module's fold is done. Nobody else has to hear of it.</summary>
    public void Folded(ModuleId module, TaskKey key, BlobHash sums) => _modules[module] = ModuleRules.FoldMade(_modules[module], key, sums, Now);

    /// <summary>A module's outer step is done; everybody hears what follows from it.</summary>
    public void Stepped(ModuleId module, TaskKey key, BlobHash blob, BlobHash? momentum, PublishedVersion? published = null)
    {
        _modules[module] = ModuleRules.Stepped(_modules[module], key, blob, momentum, Now, published);
        _talkingModules.Add(module);
        Settle();
    }

    /// <summary>Passes messages on until nobody has anything to say.</summary>
    private void Settle()
    {
        while (_talkingPaths.Count + _talkingModules.Count > 0)
        {
            if (_talkingPaths.Count > 0)
            {
                PathId path = _talkingPaths.Min;
                _talkingPaths.Remove(path);
                Pass(path, PathRules.Outstanding(_paths[path]));
            }
            else
            {
                ModuleId module = _talkingModules.Min;
                _talkingModules.Remove(module);
                Pass(module, ModuleRules.Outstanding(_modules[module]));
            }
        }
    }

    private void Pass(PathId path, PathOutstanding said)
    {
        foreach (PathContribution contribution in said.Contributions)
        {
            (_modules[contribution.Module], ContributionReply reply) = ModuleRules.Contribute(_modules[contribution.Module], contribution, Now);
            _paths[path] = PathRules.Delivered(_paths[path], reply, Now);
            _talkingModules.Add(contribution.Module);
        }

        foreach (PathReport report in said.Reports)
        {
            (Run, RecordVerdict _) = RunRules.Record(Run, report, Now);
            _paths[path] = PathRules.Recorded(_paths[path], report.Ledger.Phase);
        }

        if (said.Failure is { } failure)
        {
            (Run, long number) = RunRules.Failed(Run, failure, Now);
            _paths[path] = PathRules.FailureHeard(_paths[path], number);
        }
    }

    private void Pass(ModuleId module, ModuleOutstanding said)
    {
        foreach (PathId path in said.Uninformed)
        {
            (_paths[path], Phase heard) = PathRules.Hear(_paths[path], said.Latest!, Now);
            _modules[module] = ModuleRules.Heard(_modules[module], path, heard);
            _talkingPaths.Add(path);
        }

        foreach (Rules.ModuleVersion version in said.Versions)
        {
            (Run, RecordVerdict _) = RunRules.Record(Run, version, Now);
            _modules[module] = ModuleRules.Recorded(_modules[module], version.Version);
        }
    }
}
