using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>Something that an observer of a run may show. Events carry no decision: dropping them changes nothing.</summary>
public abstract record RunEvent;

/// <summary>The machine is known: sent once, before the first stage.</summary>
/// <param name="Machine">What computes, and how fast its matrix products are.</param>
public sealed record MachineFound(MachineSummary Machine) : RunEvent;

/// <summary>How many training steps the whole run has: sent before the first of them, so that what is left of the run can be told.</summary>
/// <param name="Base">Of the dense base model.</param>
/// <param name="Paths">Of all paths together, over all phases.</param>
/// <param name="Dense">Of the dense baselines together.</param>
public sealed record StepsPlanned(long Base, long Paths, long Dense) : RunEvent;

/// <summary>A stage begins.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Units">How much work it has, in the unit that <see cref="StageAdvanced"/> counts; 0 when unknown.</param>
/// <param name="Unit">The unit's name in the plural, for example <c>steps</c> or <c>documents</c>.</param>
public sealed record StageStarted(Stage Stage, long Units, string Unit) : RunEvent;

/// <summary>Work of a stage is done: after every step of a training stage, and every now and then in the others. Progress bars follow this event alone.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Done">Units done so far, results of an earlier session included.</param>
/// <param name="Reused">Whether these units were found finished from an earlier session.</param>
public sealed record StageAdvanced(Stage Stage, long Done, bool Reused) : RunEvent;

/// <summary>A stage ended.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Elapsed">Time spent in this session.</param>
/// <param name="Summary">One line of results for people, for example <c>8,192 entries, 4.1 bytes per token</c>.</param>
public sealed record StageFinished(Stage Stage, TimeSpan Elapsed, string Summary) : RunEvent;

/// <summary>One training step was made.</summary>
/// <param name="Stage">Base, phases or dense.</param>
/// <param name="Path">The path; null for dense models.</param>
/// <param name="Phase">The phase; null outside phases.</param>
/// <param name="Step">Steps of this model made so far, this one included, over all phases; those of the base model that it continues are not.</param>
/// <param name="Loss">Mean loss of the batch, nats per token.</param>
/// <param name="LearningRate">Learning rate used.</param>
/// <param name="GradientNorm">Global gradient norm before clipping.</param>
/// <param name="Tokens">Scored tokens of the batch.</param>
/// <param name="Flops">Model floating-point operations of the step.</param>
/// <param name="Elapsed">Time of the step.</param>
/// <param name="DataWait">Part of the time spent waiting for the batch.</param>
public sealed record StepMade(
    Stage Stage, PathId? Path, Phase? Phase, int Step, double Loss, double LearningRate,
    double GradientNorm, long Tokens, double Flops, TimeSpan Elapsed, TimeSpan DataWait) : RunEvent
{
    /// <summary>Which baseline, in the stage that trains them one after the other; null in the other stages.</summary>
    public ModelKind? Baseline { get; init; }
}

/// <summary>A worker of a cluster has computed a task.</summary>
/// <param name="Kind">The task's kind.</param>
/// <param name="Key">The task.</param>
/// <param name="Worker">Who.</param>
/// <param name="Fingerprint">How that worker rounds.</param>
public sealed record TaskComputed(string Kind, string Key, string Worker, string Fingerprint) : RunEvent;

/// <summary>A phase ended: every module has its next version.</summary>
/// <param name="Phase">Which.</param>
/// <param name="Phases">How many there will be.</param>
/// <param name="TrainingLoss">Mean loss over the phase's steps of all paths.</param>
/// <param name="ValidationPerplexity">Perplexity of the routed model on validation documents, prefix excluded; null when not measured.</param>
/// <param name="Ledger">What its paths have consumed, balanced; null where paths do not train on their own.</param>
public sealed record PhaseFinished(Phase Phase, int Phases, double TrainingLoss, double? ValidationPerplexity, Rules.PhaseLedger? Ledger = null) : RunEvent;

/// <summary>Something worth a line, for example bad records in the corpus.</summary>
/// <param name="Text">The line.</param>
/// <param name="IsWarning">Whether it deserves attention.</param>
public sealed record RunNote(string Text, bool IsWarning) : RunEvent;
