namespace DiPaCo.Runtime.Rules;

/// <summary>A path or a module tells its run that it cannot go on without help.</summary>
/// <param name="Owner">Who.</param>
/// <param name="Number">Number of the order under which it failed; an order with a larger one makes it try again.</param>
/// <param name="Reason">Why: names the task and the reasons of its attempts.</param>
public sealed record PartyFailure(TaskOwner Owner, long Number, string Reason);
