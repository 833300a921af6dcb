namespace DiPaCo.Routing.Tests;

/// <summary>What the clusters must satisfy, written down as in the definition and in double precision.</summary>
internal static class NaiveKMeans
{
    public static double SquaredDistance(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int dimension = 0; dimension < x.Length; dimension++)
        {
            sum += ((double)x[dimension] - y[dimension]) * ((double)x[dimension] - y[dimension]);
        }

        return sum;
    }

    public static double Inertia(FeatureMatrix features, FeatureMatrix centroids) =>
        Enumerable.Range(0, features.Rows).Sum(row =>
            Enumerable.Range(0, centroids.Rows).Min(c => SquaredDistance(features.Row(row), centroids.Row(c))));

    /// <summary>One iteration of Lloyd's algorithm; null for a cluster without rows.</summary>
    public static double[]?[] Means(FeatureMatrix features, IReadOnlyList<int> labels, int clusters)
    {
        double[]?[] means = new double[clusters][];
        for (int cluster = 0; cluster < clusters; cluster++)
        {
            int[] rows = [.. Enumerable.Range(0, features.Rows).Where(row => labels[row] == cluster)];
            means[cluster] = rows.Length == 0
                ? null
                : [.. Enumerable.Range(0, features.Width).Select(dimension => rows.Average(row => (double)features.Row(row)[dimension]))];
        }

        return means;
    }
}
