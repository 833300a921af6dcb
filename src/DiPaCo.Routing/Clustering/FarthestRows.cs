namespace DiPaCo.Routing;

/// <summary>
/// Where empty clusters start again: on the row that is farthest from its nearest centroid, then on the farthest from
/// the centroids and that row, and so on, so that no two of them are equal.
/// </summary>
internal static class FarthestRows
{
    /// <summary>Moves the centroids of the empty clusters. Leaves them where they are once every row lies on a centroid.</summary>
    /// <returns>Number of centroids moved.</returns>
    public static int Reseed(
        IFeatureSource features, int[] labels, int[] counts, float[] centroids, int threads, CancellationToken cancellationToken)
    {
        int width = features.Width;
        float[] distances = new float[features.Rows];
        Visit((first, rows) =>
        {
            for (int row = 0; row * width < rows.Length; row++)
            {
                distances[first + row] = RowMath.SquaredDistance(
                    rows.Slice(row * width, width), centroids.AsSpan(labels[first + row] * width, width));
            }
        });

        int moved = 0;
        for (int cluster = 0; cluster < counts.Length; cluster++)
        {
            int farthest = counts[cluster] == 0 ? Farthest(distances) : -1;
            if (farthest < 0)
            {
                continue;
            }

            float[] center = features.Read(farthest, 1, new float[width]).ToArray();
            center.CopyTo(centroids.AsSpan(cluster * width));
            moved++;
            Visit((first, rows) =>
            {
                for (int row = 0; row * width < rows.Length; row++)
                {
                    float distance = RowMath.SquaredDistance(rows.Slice(row * width, width), center);
                    distances[first + row] = Math.Min(distances[first + row], distance);
                }
            });
        }

        return moved;

        void Visit(Action<int, ReadOnlySpan<float>> action) =>
            RowBlocks.Visit(features, RowBlocks.Stripes(), threads, (_, first, rows) => action(first, rows), cancellationToken);
    }

    private static int Farthest(float[] distances)
    {
        int farthest = -1;
        float most = 0;
        for (int row = 0; row < distances.Length; row++)
        {
            if (distances[row] > most)
            {
                (farthest, most) = (row, distances[row]);
            }
        }

        return farthest;
    }
}
