namespace DiPaCo.Runtime.Tasks;

/// <summary>What a router of documents can be compared with.</summary>
/// <param name="Random">What a router that draws each document's path has to expect.</param>
/// <param name="Oracle">The best path of each document in hindsight.</param>
/// <param name="Agreements">Documents that the router sends to the oracle's path.</param>
public sealed record RouterBoundsMetrics(EvaluationMetrics Random, EvaluationMetrics Oracle, long Agreements);
