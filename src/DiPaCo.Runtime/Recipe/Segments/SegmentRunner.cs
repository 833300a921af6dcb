using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Takes paths and modules through a segment of phases (paper Algorithm 1), as far as tasks can be computed at the same time without a
/// global barrier: a path begins its next phase as soon as its own modules are there, and a module makes its outer step as soon as its own
/// paths are. The bytes are those of phases one after the other, because every task has the same inputs.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
internal sealed class SegmentRunner(RunSession session, ModelTopology topology)
{
    private readonly RunSession _session = session;
    private readonly ModelTopology _topology = topology;
    private readonly SegmentPlan _plan = new(session.Config, topology);
    private readonly StageCount _steps = new();
    private readonly ConcurrentDictionary<string, Phase> _phaseOf = [];

    /// <summary>The run's segments from a phase on.</summary>
    public IEnumerable<Segment> SegmentsFrom(Phase first) => _plan.SegmentsFrom(first);

    /// <summary>Whether a task belongs to a phase after the given one: its outputs are needed, whatever that phase's end lets go of.</summary>
    public bool IsAhead(string taskKey, Phase phase) => _phaseOf.TryGetValue(taskKey, out Phase of) && of.Value > phase.Value;

    /// <summary>Runs a segment.</summary>
    /// <param name="segment">The phases.</param>
    /// <param name="start">The model at their start.</param>
    /// <param name="routed">The shards.</param>
    /// <param name="ended">
    /// Told of each phase that has ended, one after the other. Where tasks are computed at the same time, later phases go on meanwhile.
    /// </param>
    /// <param name="cancellationToken">Ends the segment; finished tasks are kept.</param>
    public async Task RunAsync(
        Segment segment, ModelVersion start, RoutedCorpus routed, Func<PhaseOutcome, CancellationToken, Task> ended, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Walk walk = new(this, segment, start, routed, stop.Token);
        Task ends = Task.CompletedTask;
        try
        {
            while (true)
            {
                foreach (PhaseOutcome outcome in walk.TakeEnded())
                {
                    ends = ThenAsync(ends, () => ended(outcome, stop.Token));
                    if (!_session.Tasks.IsParallel)
                    {
                        await ends;
                    }
                }

                if (walk.IsAtEnd)
                {
                    await ends;
                    return;
                }

                walk.StartTasks(_session.Tasks.IsParallel ? int.MaxValue : 1);
                await walk.ContinueAsync(ends);
            }
        }
        catch
        {
            await stop.CancelAsync();
            await ends.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await walk.StopAsync();
            throw;
        }
    }

    private static async Task ThenAsync(Task before, Func<Task> next)
    {
        await before;
        await next();
    }

    /// <summary>One segment under way. Everything but the tasks themselves happens in the caller's flow of control.</summary>
    private sealed class Walk
    {
        private readonly SegmentRunner _runner;
        private readonly RoutedCorpus _routed;
        private readonly CancellationToken _stop;
        private readonly PhaseSpecs _specs;
        private readonly SegmentParties _parties;
        private readonly PhaseCollector _collector;
        private readonly Channel<Task<Action>> _finished = Channel.CreateUnbounded<Task<Action>>();
        private int _running;
        private int _taken;

        public Walk(SegmentRunner runner, Segment segment, ModelVersion start, RoutedCorpus routed, CancellationToken stop)
        {
            (_runner, _routed, _stop) = (runner, routed, stop);
            RunSession session = runner._session;
            _specs = new PhaseSpecs(session, runner._topology, runner._plan);
            _collector = new PhaseCollector(start, runner._topology, runner._plan);
            _parties = new SegmentParties(
                new RunId(session.Config.Name), segment, runner._plan.PathsIn(segment, start, path => routed.SizeOf(path).TrainTokens), runner._plan.ModulesIn(segment, start), session.Time);
        }

        public bool IsAtEnd => _parties.Run.Stage == RunStage.BetweenSegments;

        /// <summary>The phases that have ended since the last call.</summary>
        /// <exception cref="DiPaCoException">The run has failed.</exception>
        public IEnumerable<PhaseOutcome> TakeEnded()
        {
            if (_parties.Run.Failure is { } failure)
            {
                throw new DiPaCoException(failure);
            }

            for (ImmutableArray<PhaseLedger> ledger = _parties.Run.Ledger; _taken < ledger.Length; _taken++)
            {
                yield return _collector.Take(ledger[_taken]);
            }
        }

        /// <summary>Begins tasks that are needed: earlier phases first, and there folds, then training, then outer steps.</summary>
        public void StartTasks(int most)
        {
            IEnumerable<(Phase Phase, Action Start)> needed =
            [
                .. _parties.Folds.Select(each => (each.Start.Version, (Action)(() => Start(each)))),
                .. _parties.Trainings.Select(each => (each.Phase, (Action)(() => Start(each)))),
                .. _parties.OuterSteps.Select(each => (each.Start.Version, (Action)(() => Start(each)))),
            ];
            foreach ((Phase _, Action start) in needed.OrderBy(task => task.Phase.Value).Take(most - _running))
            {
                start();
            }
        }

        /// <summary>Waits for a task, or for the failure of the end of a phase, and tells the parties of all that have finished.</summary>
        public async Task ContinueAsync(Task ends)
        {
            Task<bool> finished = _finished.Reader.WaitToReadAsync(_stop).AsTask();
            if (!ends.IsCompleted)
            {
                // An end that succeeds is nothing to go on with.
                Task failed = ends.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.NotOnRanToCompletion, TaskScheduler.Default);
                await Task.WhenAny(finished, failed);
            }

            if (ends.IsFaulted || ends.IsCanceled)
            {
                await ends;
            }

            await finished;
            while (_finished.Reader.TryRead(out Task<Action>? task))
            {
                _running--;
                (await task)();
            }
        }

        /// <summary>Waits until no task is under way, after they were told to stop.</summary>
        public async Task StopAsync()
        {
            for (; _running > 0; _running--)
            {
                Task<Action> task = await _finished.Reader.ReadAsync(CancellationToken.None);
                await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        private void Start(NeededTraining needed)
        {
            TrainSpec spec = _specs.Inner(needed, _routed);
            TaskKey key = spec.Key();
            Begin(key, needed.Phase, () => _parties.Start(needed, key), async () =>
            {
                TaskResult result = await _runner._session.TrainAsync(spec, ModelKind.Routed, needed.Path, needed.Phase, _runner._steps, _stop);
                return () =>
                {
                    _collector.Add(needed, spec, result);
                    TrainMetrics metrics = TrainMetrics.Of(result);
                    _parties.Trained(needed.Path, key, new TrainedPhase(
                        needed.Modules.ToImmutableSortedDictionary(module => module.Module, module => result[module.Module.Name]),
                        result[TrainSpec.OptimizerOutput], metrics.Sequences, metrics.Tokens, Fingerprint: ""));
                };
            });
        }

        private void Start(NeededFold needed)
        {
            FoldSpec spec = _specs.Fold(needed, _routed);
            TaskKey key = spec.Key();
            Begin(key, needed.Start.Version, () => _parties.Start(needed, key), async () =>
            {
                TaskResult result = await StepAsync(spec, needed.Start);
                return () => _parties.Folded(needed.Start.Module, key, result[FoldSpec.SumsOutput]);
            });
        }

        private void Start(NeededOuterStep needed)
        {
            OuterSpec spec = _specs.Outer(needed);
            TaskKey key = spec.Key();
            Begin(key, needed.Start.Version, () => _parties.Start(needed, key), async () =>
            {
                TaskResult result = await StepAsync(spec, needed.Start);
                return () =>
                {
                    PublishedVersion? published = spec.PublishedOf(result);
                    _collector.Add(needed, result, published);
                    _parties.Stepped(needed.Start.Module, key, result[OuterSpec.ModuleOutput], result[OuterSpec.MomentumOutput], published);
                };
            });
        }

        /// <summary>The outer step, or a part of it.</summary>
        private async Task<TaskResult> StepAsync(TaskSpec spec, Rules.ModuleVersion start)
        {
            try
            {
                return await _runner._session.Tasks.RunAsync(spec, null, _stop);
            }
            catch (NonFiniteStepException exception)
            {
                throw new DiPaCoException($"The outer step of module {start.Module} in phase {start.Version.Value + 1} was not made. {exception.Message}", exception);
            }
        }

        /// <summary>The task is known to belong to its phase before anything of it can be on the disk.</summary>
        private void Begin(TaskKey key, Phase phase, Action started, Func<Task<Action>> run)
        {
            _runner._phaseOf[key.Hex] = phase;
            started();
            _running++;
            _ = ReportAsync(run());
        }

        private async Task ReportAsync(Task<Action> task)
        {
            await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _finished.Writer.WriteAsync(task, CancellationToken.None);
        }
    }
}
