namespace DiPaCo.Model;

/// <summary>Mean over the first positions of each sequence, summed in double precision in the order of the positions.</summary>
internal static class PrefixMean
{
    /// <param name="hidden_BTD">Hidden states.</param>
    /// <param name="length">T.</param>
    /// <param name="lengths_B">Positions that count.</param>
    /// <param name="means_BD">Receives the means.</param>
    public static void Of(ReadOnlySpan<float> hidden_BTD, int length, ReadOnlySpan<int> lengths_B, Span<float> means_BD)
    {
        int width = means_BD.Length / lengths_B.Length;
        double[] sums_D = new double[width];
        for (int b = 0; b < lengths_B.Length; b++)
        {
            Array.Clear(sums_D);
            for (int t = 0; t < lengths_B[b]; t++)
            {
                ReadOnlySpan<float> hidden_D = hidden_BTD.Slice(((b * length) + t) * width, width);
                for (int d = 0; d < width; d++)
                {
                    sums_D[d] += hidden_D[d];
                }
            }

            for (int d = 0; d < width; d++)
            {
                means_BD[(b * width) + d] = (float)(sums_D[d] / lengths_B[b]);
            }
        }
    }
}
