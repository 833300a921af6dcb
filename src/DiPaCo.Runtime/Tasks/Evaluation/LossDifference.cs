namespace DiPaCo.Runtime.Tasks;

/// <summary>What a version of a path loses more than an earlier one, on the same documents.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Mean">Nats a token behind the prefix by which the later version is worse; negative where it is better.</param>
/// <param name="StandardError">Standard error of <paramref name="Mean"/>; null with fewer than two documents, which say nothing of it.</param>
public sealed record LossDifference(int Documents, double Mean, double? StandardError)
{
    /// <summary>Whether the later version is worse by more than so many standard errors: more than the choice of documents explains.</summary>
    /// <param name="margin">Standard errors; 0: whether it is worse at all.</param>
    public bool IsBeyond(double margin) => margin == 0 ? Mean > 0 : StandardError is { } error && Mean > margin * error;
}
