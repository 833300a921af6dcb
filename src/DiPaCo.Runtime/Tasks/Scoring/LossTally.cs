using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Adds up one path's losses into its column of a matrix, in double precision and in the order of the tokens: how documents met in
/// batches does not matter. A cell may go on from one batch to the next.
/// </summary>
/// <param name="matrix">Receives the sums.</param>
/// <param name="column">The path's column.</param>
internal sealed class LossTally(LossMatrix matrix, int column)
{
    /// <summary>What may help where a loss is no number.</summary>
    public const string Advice =
        "The parameters have diverged: lower the learning rates (inner.learning_rate, inner.base_learning_rate or those of recipe.stages, outer.learning_rate), or compute in fp32 (transformer.compute).";

    private int _cell = -1;
    private double _sum;

    /// <summary>A sum as it is stored.</summary>
    /// <exception cref="NonFiniteStepException">It is not finite.</exception>
    public static float Finite(double sum, PathId path) => float.IsFinite((float)sum) ? (float)sum : throw new NonFiniteStepException(string.Create(
        CultureInfo.InvariantCulture, $"A document has a loss of {sum} nats under path {path}; a finite number was expected. {Advice}"));

    /// <summary>Adds the losses of a document's prefix, which are all in one sequence.</summary>
    public void AddPrefix(int document, ReadOnlySpan<float> losses)
    {
        double sum = 0;
        foreach (float loss in losses)
        {
            sum += loss;
        }

        matrix.Prefix[(document * matrix.Paths.Length) + column] = Finite(sum, matrix.Paths[column]);
    }

    /// <summary>Adds the losses of tokens behind the prefix; a document's tokens come in order.</summary>
    /// <param name="document">The document's place in the matrix.</param>
    /// <param name="firstToken">The first of them, counted from the end of the prefix.</param>
    /// <param name="losses">Their losses.</param>
    public void Add(int document, int firstToken, ReadOnlySpan<float> losses)
    {
        int firstCell = matrix.CellsOf(document).Start.Value;
        for (int i = 0; i < losses.Length; i++)
        {
            int cell = firstCell + (matrix.Cell == 0 ? 0 : (firstToken + i) / matrix.Cell);
            if (cell != _cell)
            {
                Flush();
                _cell = cell;
            }

            _sum += losses[i];
        }
    }

    /// <summary>Writes the last cell.</summary>
    public void Flush()
    {
        if (_cell >= 0)
        {
            matrix.Cells[(_cell * matrix.Paths.Length) + column] = Finite(_sum, matrix.Paths[column]);
        }

        _sum = 0;
    }
}
