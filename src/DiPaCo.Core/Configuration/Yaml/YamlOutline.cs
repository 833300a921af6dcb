using System.Text;

namespace DiPaCo.Core.Configuration;

/// <summary>Writes keys section by section, two levels deep, each with an optional comment behind it.</summary>
internal sealed class YamlOutline
{
    private const int CommentColumn = 36;

    private readonly StringBuilder _text = new();
    private string _section = "";

    /// <summary>A comment of its own line.</summary>
    public void AddComment(string comment) => _text.Append("# ").Append(comment).Append('\n');

    /// <summary>A key; the first one of a section brings the section's own line.</summary>
    public void Add(ConfigValue value, string? comment, bool asComment = false)
    {
        string section = KeyPath.SectionOf(value.Key);
        if (section != _section)
        {
            _text.Append('\n').Append(section).Append(":\n");
            _section = section;
        }

        string indent = section.Length == 0 ? "" : "  ";
        string start = indent + (asComment ? "# " : "") + KeyPath.LastOf(value.Key) + ":";
        AddLine(value.Yaml.Scalar is string scalar ? $"{start} {scalar}" : start, comment);
        foreach (string item in value.Yaml.Items)
        {
            AddLine($"{indent}{(asComment ? "# " : "")}  - {item}", null);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void AddLine(string line, string? comment) =>
        _text.Append(comment is null ? line : $"{line.PadRight(CommentColumn)} # {comment}").Append('\n');
}
