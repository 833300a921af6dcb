using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>AdamW's moments of one module, flat and padded like its parameters.</summary>
/// <param name="Id">The module.</param>
/// <param name="Moment1">First moments.</param>
/// <param name="Moment2">Second moments.</param>
internal sealed record ModuleMoments(ModuleId Id, float[] Moment1, float[] Moment2);
