using System.Globalization;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Output;

/// <summary>Says how good a router is, in a sentence below the table of perplexities.</summary>
internal static class RouterText
{
    /// <summary>The sentence; null where nothing was routed or there is one path only.</summary>
    public static string? Of(RouterQuality? router)
    {
        if (router?.EntropyShare is not { } share || router.Documents == 0)
        {
            return null;
        }

        string agreement = router.OracleAgreement is { } agreed ? $"; {Units.Percent(agreed)} go to the path that is best in hindsight" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"The router spreads {Units.Count(router.Documents, "document")} over the paths with {router.Entropy:0.00} bits of entropy, {Units.Percent(share)} of an even spread{agreement}.");
    }
}
