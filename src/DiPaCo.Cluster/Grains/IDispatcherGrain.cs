using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Cluster;

/// <summary>Matches the tasks of all runs to the workers of the cluster. There is one in a cluster.</summary>
[Alias("dipaco.dispatcher")]
public interface IDispatcherGrain : IGrainWithIntegerKey
{
    /// <summary>Its key.</summary>
    const long Key = 0;

    /// <summary>A worker that has not joined yet asks what there is to know.</summary>
    [Alias("greet")]
    Task<Greeting> GreetAsync();

    /// <summary>A worker says who it is.</summary>
    [Alias("register")]
    Task RegisterAsync(WorkerOffer offer);

    /// <summary>A worker asks for a task, and waits a while, or until it is gone.</summary>
    [Alias("lease")]
    Task<LeaseOutcome> LeaseAsync(LeaseQuestion question, CancellationToken cancellationToken);

    /// <summary>A worker keeps its lease.</summary>
    [Alias("heartbeat")]
    Task<HeartbeatOutcome> HeartbeatAsync(HeartbeatNote note);

    /// <summary>A worker delivers.</summary>
    [Alias("complete")]
    Task<DeliveryOutcome> CompleteAsync(string worker, long incarnation, long lease, string key, TaskDelivery delivery);

    /// <summary>A worker gives a task back.</summary>
    [Alias("give-back")]
    Task GiveBackAsync(string worker, long incarnation, long lease, string key, GivenBack reason);

    /// <summary>A worker leaves for good.</summary>
    [Alias("leave")]
    Task LeaveAsync(string worker, long incarnation);

    /// <summary>A run orders a task; once more changes nothing.</summary>
    [Alias("order")]
    Task<SubmitVerdict> OrderAsync(TaskOrder order);

    /// <summary>A run asks for news of a task, and waits a while.</summary>
    /// <param name="key">The task.</param>
    /// <param name="nextStep">Number of the first step that the run has not heard of.</param>
    /// <param name="failures">Failed attempts that the run has heard of.</param>
    [Alias("watch")]
    Task<TaskNews> WatchAsync(string key, long nextStep, int failures);

    /// <summary>A run says what it wants of its tasks; it says so again while it is not at its end.</summary>
    /// <param name="run">The run.</param>
    /// <param name="number">Grows with each change of mind.</param>
    /// <param name="demand">What it wants.</param>
    [Alias("stand")]
    Task StandAsync(string run, long number, RunDemand demand);

    /// <summary>How most of the workers that are there round in a compute type; null: none is there.</summary>
    /// <param name="compute">The compute type.</param>
    [Alias("numerics")]
    Task<NumericsChoice?> NumericsAsync(ComputeType compute);

    /// <summary>A run has recorded a task's result, or no longer wants it.</summary>
    [Alias("forget")]
    Task ForgetAsync(string run, string key);

    /// <summary>What everybody does, for people.</summary>
    [Alias("status")]
    Task<ClusterStatus> StatusAsync();
}
