using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>How a path's contributions are written down.</summary>
/// <param name="Codec">How deltas are encoded; not <see cref="DeltaCodec.Fp32"/>, which encodes nothing.</param>
/// <param name="TopKFraction">Share of elements that <see cref="DeltaCodec.TopK"/> keeps.</param>
/// <param name="ErrorFeedback">Weight of what was left out before, 0 to 1.</param>
/// <param name="Modules">The modules that it is used for: all that make an outer step.</param>
public sealed record ContributionCodec(DeltaCodec Codec, double TopKFraction, double ErrorFeedback, ImmutableArray<ModuleId> Modules);
