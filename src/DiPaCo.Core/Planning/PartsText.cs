using System.Globalization;

namespace DiPaCo.Core.Planning;

/// <summary>Names parts for people: <c>embedding, blocks 0–2, block 5, head</c>.</summary>
internal static class PartsText
{
    public static string Of(IReadOnlyList<TransformerPart> parts)
    {
        List<string> names = [];
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i].Kind != TransformerPartKind.Block)
            {
                names.Add(parts[i].Kind == TransformerPartKind.Embedding ? "embedding" : "head");
                continue;
            }

            int first = i;
            while (i + 1 < parts.Count && parts[i + 1] == TransformerPart.OfBlock(parts[i].Block + 1))
            {
                i++;
            }

            names.Add(first == i
                ? string.Create(CultureInfo.InvariantCulture, $"block {parts[i].Block}")
                : string.Create(CultureInfo.InvariantCulture, $"blocks {parts[first].Block}–{parts[i].Block}"));
        }

        return string.Join(", ", names);
    }
}
