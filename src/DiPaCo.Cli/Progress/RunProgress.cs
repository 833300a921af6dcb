using DiPaCo.Runtime;

namespace DiPaCo.Cli.Progress;

/// <summary>
/// What the events of a run so far amount to. Pure but for the clock, and not thread-safe: each display has its own lock.
/// </summary>
internal sealed class RunProgress(TimeProvider clock)
{
    private readonly long _begun = clock.GetTimestamp();
    private long _stageBegun;
    private long _reused;
    private StepsPlanned? _planned;
    private TimeSpan? _timePerStep;
    private Smoothed _loss = new(0.05);
    private Smoothed _secondsPerToken = new(0.1);
    private Smoothed _secondsPerFlop = new(0.1);

    /// <summary>The machine, once known.</summary>
    public MachineSummary? Machine { get; private set; }

    /// <summary>The stage that works now.</summary>
    public Stage? Stage { get; private set; }

    /// <summary>Units done of the stage.</summary>
    public long Done { get; private set; }

    /// <summary>Units of the stage; 0 when unknown.</summary>
    public long Units { get; private set; }

    /// <summary>Name of a unit, in the plural.</summary>
    public string Unit { get; private set; } = "";

    /// <summary>The last step, while a stage trains.</summary>
    public StepMade? LastStep { get; private set; }

    /// <summary>Phases of the run; 0 before the first ended.</summary>
    public int Phases { get; private set; }

    /// <summary>Time since the display began.</summary>
    public TimeSpan Elapsed => clock.GetElapsedTime(_begun);

    /// <summary>Share of the stage that is done, 0 to 1; null when unknown.</summary>
    public double? Share => Units > 0 ? Math.Clamp((double)Done / Units, 0, 1) : null;

    /// <summary>Loss of the last steps, smoothed.</summary>
    public double Loss => _loss.Value;

    /// <summary>Tokens trained on per second; 0 before the first step.</summary>
    public double TokensPerSecond => _secondsPerToken.Value > 0 ? 1 / _secondsPerToken.Value : 0;

    /// <summary>Floating-point rate of the last steps as a share of the machine's matrix products; null when either is unknown.</summary>
    public double? MatrixShare => Machine is { MatrixFlopsPerSecond: > 0 } machine && _secondsPerFlop.Value > 0
        ? 1 / _secondsPerFlop.Value / machine.MatrixFlopsPerSecond
        : null;

    /// <summary>Time that the rest of the stage takes at the pace of this session; null when unknown.</summary>
    public TimeSpan? Remaining => Units > 0 && TimePerUnit is { } each ? each * Math.Max(0, Units - Done) : null;

    /// <summary>
    /// Time that the training which the run has still to do takes at the pace of this session's last steps, in this stage and in those after it; null when
    /// unknown, and where nothing is trained after this stage. Evaluation comes on top of it.
    /// </summary>
    public TimeSpan? RunRemaining
    {
        get
        {
            long later = _planned is { } planned ? StepsAfter(planned) : 0;
            return later > 0 && (Pace ?? _timePerStep) is { } pace ? (pace * later) + (Remaining ?? TimeSpan.Zero) : null;
        }
    }

    /// <summary>Time of a unit that this session has done of the stage; null before the first.</summary>
    private TimeSpan? TimePerUnit => Done > _reused ? clock.GetElapsedTime(_stageBegun) / (Done - _reused) : null;

    /// <summary>Time of a step, where the stage trains.</summary>
    private TimeSpan? Pace => LastStep is not null ? TimePerUnit : null;

    /// <summary>Takes in one event.</summary>
    public void Apply(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case MachineFound found:
                Machine = found.Machine;
                break;
            case StepsPlanned planned:
                _planned = planned;
                break;
            case StageStarted started:
                Begin(started);
                break;
            case StageAdvanced advanced when advanced.Stage == Stage:
                _reused += advanced.Reused ? Math.Max(0, advanced.Done - Done) : 0;
                Done = Math.Max(Done, advanced.Done);
                break;
            case StageFinished finished when finished.Stage == Stage:
                _timePerStep = Pace ?? _timePerStep;
                Stage = null;
                LastStep = null;
                break;
            case StepMade step:
                Add(step);
                break;
            case PhaseFinished phase:
                Phases = phase.Phases;
                break;
        }
    }

    private long StepsAfter(StepsPlanned planned) => Stage switch
    {
        Runtime.Stage.Base or Runtime.Stage.Features or Runtime.Stage.Shards => planned.Paths + planned.Dense,
        Runtime.Stage.Phases => planned.Dense,
        _ => 0,
    };

    private void Begin(StageStarted started)
    {
        Stage = started.Stage;
        Units = started.Units;
        Unit = started.Unit;
        Done = 0;
        LastStep = null;
        _stageBegun = clock.GetTimestamp();
        _reused = 0;
        _loss = new(0.05);
        _secondsPerToken = new(0.1);
        _secondsPerFlop = new(0.1);
    }

    private void Add(StepMade step)
    {
        LastStep = step;
        _loss.Add(step.Loss);
        if (step.Tokens > 0 && step.Flops > 0)
        {
            _secondsPerToken.Add(step.Elapsed.TotalSeconds / step.Tokens);
            _secondsPerFlop.Add(step.Elapsed.TotalSeconds / step.Flops);
        }
    }
}
