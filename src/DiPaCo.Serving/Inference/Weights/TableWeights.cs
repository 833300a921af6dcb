namespace DiPaCo.Serving.Inference;

/// <summary>A matrix with one row a token: the embedding, or the output matrix.</summary>
/// <param name="matrix">[V, D].</param>
internal sealed class TableWeights(PackedMatrix matrix)
{
    public PackedMatrix Matrix { get; } = matrix;
}
