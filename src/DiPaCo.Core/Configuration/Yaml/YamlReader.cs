using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Reads the plain part of YAML into <see cref="YamlValue"/>s: one document of mappings, lists and scalars.
/// Anchors, aliases, tags and merge keys are refused, so that a small file cannot expand into a large one;
/// depth and number of values are bounded.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>Deepest nesting that a configuration needs, with a margin.</summary>
    public const int MaxDepth = 12;

    /// <summary>Most values that a file may hold.</summary>
    public const int MaxValues = 400_000;

    private readonly Parser _parser;
    private readonly ErrorList _errors;
    private int _values;

    private YamlReader(Parser parser, ErrorList errors)
    {
        _parser = parser;
        _errors = errors;
    }

    /// <summary>Reads a whole file. What cannot be read at all throws; what can be skipped (a second value of a key) is added to <paramref name="errors"/>.</summary>
    /// <exception cref="ConfigurationException">The text is not YAML, not a mapping, or uses what is refused.</exception>
    public static YamlMapping Read(string text, ErrorList errors)
    {
        using StringReader reader = new(text);
        try
        {
            return new YamlReader(new Parser(reader), errors).ReadDocument();
        }
        catch (YamlException exception)
        {
            errors.Add(Line(exception.Start), Column(exception.Start), "", $"this is not valid YAML: {exception.Message.TrimEnd('.')}.");
            throw errors.ToException();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            // What the parser throws beside its own exception, for example on an empty tag ('!<>') or a stray '...'.
            errors.Add(0, 0, "", "this is not valid YAML: expected keys such as 'size: small'.");
            throw errors.ToException();
        }
    }

    private YamlMapping ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            return new YamlMapping([], 1, 1);
        }

        _parser.Consume<DocumentStart>();
        YamlValue root = ReadValue("", 0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out DocumentStart? second))
        {
            throw Refuse(second, "", "a second document begins here; expected one document, without '---' in between.");
        }

        return root switch
        {
            YamlMapping mapping => mapping,
            YamlScalar { IsEmpty: true } => new YamlMapping([], root.Line, root.Column),
            _ => throw Refuse(root, $"found {root.Found}, expected keys such as 'size: small'."),
        };
    }

    private YamlValue ReadValue(string key, int depth)
    {
        ParsingEvent next = _parser.Current ?? throw new InvalidOperationException("The parser has no value.");
        if (depth > MaxDepth)
        {
            throw Refuse(next, key, $"nested deeper than {MaxDepth} levels; no key of a configuration is.");
        }

        if (++_values > MaxValues)
        {
            throw Refuse(next, key, $"the file holds more than {MaxValues:N0} values.");
        }

        switch (next)
        {
            case AnchorAlias:
                throw Refuse(next, key, "aliases (*name) are not allowed; write the value out.");
            case NodeEvent { Anchor.IsEmpty: false }:
                throw Refuse(next, key, "anchors (&name) are not allowed; write the value out.");
            case NodeEvent { Tag.IsEmpty: false }:
                throw Refuse(next, key, "tags (!name) are not allowed; leave the tag out.");
            case Scalar scalar:
                _parser.MoveNext();
                return new YamlScalar(scalar.Value, scalar.Style == ScalarStyle.Plain, Line(scalar.Start), Column(scalar.Start));
            case SequenceStart:
                return ReadSequence(next, key, depth);
            case MappingStart:
                return ReadMapping(next, key, depth);
            default:
                // Some broken texts get past the parser as a key without any value.
                throw Refuse(next, key, "this is not valid YAML: a value is missing here.");
        }
    }

    private YamlSequence ReadSequence(ParsingEvent start, string key, int depth)
    {
        ImmutableArray<YamlValue>.Builder items = ImmutableArray.CreateBuilder<YamlValue>();
        _parser.MoveNext();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadValue($"{key}[{items.Count}]", depth + 1));
        }

        return new YamlSequence(items.ToImmutable(), Line(start.Start), Column(start.Start));
    }

    private YamlMapping ReadMapping(ParsingEvent start, string parent, int depth)
    {
        Dictionary<string, YamlEntry> entries = new(StringComparer.Ordinal);
        ImmutableArray<YamlEntry>.Builder ordered = ImmutableArray.CreateBuilder<YamlEntry>();
        _parser.MoveNext();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (ReadValue(parent, depth + 1) is not YamlScalar key)
            {
                throw Refuse(start, parent, "a key is a list or a section itself; expected a plain word.");
            }

            string path = KeyPath.Of(parent, key.Text);
            if (key is { IsPlain: true, Text: "<<" })
            {
                throw Refuse(key, "merge keys (<<) are not allowed; write the values out.");
            }

            YamlEntry entry = new(key.Text, ReadValue(path, depth + 1), key.Line, key.Column);
            if (entries.TryAdd(key.Text, entry))
            {
                ordered.Add(entry);
            }
            else
            {
                _errors.Add(key.Line, key.Column, path, $"this key is stated twice; it stands on line {entries[key.Text].Line} already. Keep one.");
            }
        }

        return new YamlMapping(ordered.ToImmutable(), Line(start.Start), Column(start.Start));
    }

    private ConfigurationException Refuse(ParsingEvent at, string key, string problem)
    {
        _errors.Add(Line(at.Start), Column(at.Start), key, problem);
        return _errors.ToException();
    }

    private ConfigurationException Refuse(YamlValue at, string problem)
    {
        _errors.Add(at.Line, at.Column, "", problem);
        return _errors.ToException();
    }

    private static int Line(Mark mark) => (int)mark.Line;

    private static int Column(Mark mark) => (int)mark.Column;
}
