using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>The rule that every path needs a document of its own.</summary>
internal static class TooFewDocuments
{
    /// <exception cref="DiPaCoException">There are fewer documents than paths.</exception>
    public static void Refuse(int documents, int paths)
    {
        if (documents < paths)
        {
            throw new DiPaCoException(
                $"{documents} documents cannot be divided among {paths} paths: every path needs at least one " +
                "document of its own. Give the run more documents, or fewer paths.");
        }
    }
}
