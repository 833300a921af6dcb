using System.Text;
using System.Xml;
using System.Xml.Linq;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Turns one XML documentation file into readable text, one document per type.</summary>
internal static class ApiDocumentation
{
    // A type without a sentence about it and its members teaches nothing.
    private const int MinimumCharacters = 200;

    public static IEnumerable<Document> Read(byte[] xml, string file)
    {
        XDocument documentation;
        try
        {
            using XmlReader reader = XmlReader.Create(new MemoryStream(xml), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
            documentation = XDocument.Load(reader, LoadOptions.PreserveWhitespace);
        }
        catch (XmlException failure)
        {
            throw new DiPaCoException($"The documentation file {file} is not XML: {failure.Message} Repair the .NET SDK, or train on your own text with --data FOLDER.", failure);
        }

        return documentation.Descendants("member")
            .Select(member => (name: ApiName.Parse(member.Attribute("name")?.Value), member))
            .Where(entry => entry.name is not null && IsPublicNamespace(entry.name.Type))
            .GroupBy(entry => entry.name!.Type, StringComparer.Ordinal)
            .OrderBy(type => type.Key, StringComparer.Ordinal)
            .Select(type => (type: type.Key, text: Describe(type.Key, [.. type.Select(entry => (entry.name!, entry.member))])))
            .Where(type => type.text.Length >= MinimumCharacters)
            .Select(type => new Document(type.text, type.type, ApiName.Cluster(type.type), $"{file}: {type.type}"));
    }

    // Generated code inside the assemblies (interop, serializers) is documented too, but is nobody's API.
    private static bool IsPublicNamespace(string type) =>
        type.StartsWith("System.", StringComparison.Ordinal) || type.StartsWith("Microsoft.", StringComparison.Ordinal);

    private static string Describe(string type, List<(ApiName Name, XElement Member)> members)
    {
        XElement? own = members.Find(member => member.Name.Kind == 'T').Member;
        var text = new StringBuilder();
        int dot = type.LastIndexOf('.');
        string kind = members.Any(member => member.Name.Kind != 'T') ? "Type" : "Delegate or empty type";
        text.Append(kind).Append(' ').Append(ApiName.Readable(type[(dot + 1)..]));
        text.Append(dot > 0 ? $" in namespace {type[..dot]}.\n" : ".\n");
        Append(text, own, indent: "");
        foreach ((ApiName name, XElement member) in members.Where(member => member.Name.Kind != 'T'))
        {
            var about = new StringBuilder();
            Append(about, member, indent: "  ");
            if (about.Length > 0)
            {
                text.Append('\n').Append(name.KindName).Append(' ').Append(name.Signature).Append('\n').Append(about);
            }
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, XElement? member, string indent)
    {
        foreach (XElement part in member?.Elements() ?? [])
        {
            string label = part.Name.LocalName switch
            {
                "summary" or "remarks" => "",
                "param" or "typeparam" => $"{part.Attribute("name")?.Value}: ",
                "returns" => "Returns: ",
                "value" => "Value: ",
                "exception" => $"Throws {ApiName.Reference(part.Attribute("cref")?.Value)}: ",
                "example" => "Example: ",
                _ => "-",
            };
            string content = label == "-" ? "" : Content(part);
            if (content.Length > 0)
            {
                text.Append(indent).Append(label).Append(content).Append('\n');
            }
        }
    }

    /// <summary>The element's text with references written out and white space folded.</summary>
    private static string Content(XElement element)
    {
        var raw = new StringBuilder();
        Collect(element, raw);
        var folded = new StringBuilder(raw.Length);
        foreach (char c in raw.ToString())
        {
            bool white = char.IsWhiteSpace(c);
            if (!white)
            {
                folded.Append(c);
            }
            else if (folded.Length > 0 && folded[^1] != ' ')
            {
                folded.Append(' ');
            }
        }

        return folded.ToString().TrimEnd();
    }

    private static void Collect(XElement element, StringBuilder into)
    {
        foreach (XNode node in element.Nodes())
        {
            if (node is XText text)
            {
                into.Append(text.Value);
            }
            else if (node is XElement child)
            {
                string? named = child.Attribute("langword")?.Value ?? child.Attribute("name")?.Value
                    ?? (child.Attribute("cref")?.Value is { } reference && child.IsEmpty ? ApiName.Reference(reference) : null);
                into.Append(child.Name.LocalName is "para" or "item" or "br" or "listheader" ? " " : "");
                into.Append(child.IsEmpty ? named : null);
                Collect(child, into);
                into.Append(child.Name.LocalName is "para" or "item" or "term" ? " " : "");
            }
        }
    }
}
