using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A lease as its worker holds it.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Key">The task.</param>
public readonly record struct HeldLease(LeaseNumber Number, TaskKey Key);
