using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>
/// What routers of codes store: the experts of each level and the replicas, and a codebook <c>centroids.g</c> [K_g, d_g] for each group.
/// </summary>
internal static class StoredCodes
{
    private const string ExpertsKey = "experts";
    private const string ReplicasKey = "replicas";
    private const int MostLevels = 256;

    public static IReadOnlyList<KeyValuePair<string, string>> Fields(PathCodes codes) =>
    [
        new(ExpertsKey, string.Join(',', codes.Grid.Experts.Select(experts => experts.ToString(CultureInfo.InvariantCulture)))),
        new(ReplicasKey, codes.Grid.Replicas.ToString(CultureInfo.InvariantCulture)),
    ];

    public static IEnumerable<(TensorSpec Spec, float[] Values)> Tensors(ImmutableArray<FeatureMatrix> books) =>
        books.Select((book, group) => (new TensorSpec(NameOf(group), TensorDType.F32, book.Rows, book.Width), book.ToArray()));

    /// <exception cref="DiPaCoException">The grid is impossible, or the paths are not a part of it that uses all of its codes.</exception>
    public static PathCodes ReadCodes(StoredFields fields, ImmutableArray<PathId> paths)
    {
        string text = fields.Text(ExpertsKey);
        string[] words = text.Split(',', MostLevels + 1);
        int[] experts = new int[words.Length];
        for (int level = 0; level < words.Length; level++)
        {
            if (words.Length > MostLevels || !int.TryParse(words[level], NumberStyles.None, CultureInfo.InvariantCulture, out experts[level]) || experts[level] < 1)
            {
                throw fields.Bad($"its field '{ExpertsKey}' is '{(text.Length > 100 ? text[..100] + "…" : text)}' where numbers of experts were expected");
            }
        }

        try
        {
            return new PathCodes(new PathGrid(experts, fields.Integer(ReplicasKey, 1, int.MaxValue)), paths);
        }
        catch (ArgumentException problem)
        {
            throw fields.Bad($"its paths do not belong to its grid: {problem.Message}");
        }
    }

    /// <summary>The codebooks.</summary>
    /// <param name="fields">The file.</param>
    /// <param name="codes">The codes, which bound the codebooks' size.</param>
    /// <param name="widthOf">Dimensions of each group.</param>
    public static ImmutableArray<FeatureMatrix> ReadBooks(StoredFields fields, PathCodes codes, Func<int, int> widthOf) =>
    [
        .. codes.Sizes.Select((size, group) =>
            widthOf(group) >= 1
                ? FeatureMatrix.Of(fields.Floats(NameOf(group), size, widthOf(group)), widthOf(group))
                : throw fields.Bad($"its features are too narrow for {codes.Sizes.Length} groups of codes")),
    ];

    private static string NameOf(int group) => string.Create(CultureInfo.InvariantCulture, $"centroids.{group}");
}
