namespace DiPaCo.Routing;

/// <summary>The centroids of one group of codes, ready to score rows.</summary>
internal sealed class Codebook
{
    /// <summary>Packs the centroids.</summary>
    /// <exception cref="ArgumentException">A centroid is not finite.</exception>
    public Codebook(FeatureMatrix centroids)
    {
        Centroids = centroids;
        Values = centroids.ToArray();
        if (!RowMath.AllFinite(Values))
        {
            throw new ArgumentException("Every centroid must be finite.", nameof(centroids));
        }

        Scorer = AffineScorer.OfCentroids(Values, centroids.Width);
    }

    /// <summary>K × d.</summary>
    public FeatureMatrix Centroids { get; }

    /// <summary>The same, row after row.</summary>
    public float[] Values { get; }

    /// <summary>c · x − ‖c‖²/2 of each centroid.</summary>
    public AffineScorer Scorer { get; }
}
