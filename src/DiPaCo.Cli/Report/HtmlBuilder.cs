using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using DiPaCo.Cli.Output;

namespace DiPaCo.Cli.Report;

/// <summary>
/// Builds HTML from interpolated strings whose literal parts are markup and whose values are escaped, always:
/// text from corpus and configuration cannot become markup. Finished fragments are values of type <see cref="HtmlBuilder"/>.
/// </summary>
internal sealed class HtmlBuilder
{
    private readonly StringBuilder _text = new();

    /// <summary>Appends markup with escaped values.</summary>
    public HtmlBuilder Add([InterpolatedStringHandlerArgument("")] ref Handler handler)
    {
        _ = handler;
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    /// <summary>Collects the parts of an interpolated string.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Handler(int literalLength, int formattedCount, HtmlBuilder builder)
    {
        private readonly StringBuilder _text = builder._text.EnsureRoom(literalLength + (16 * formattedCount));

        /// <summary>Appends markup.</summary>
        public void AppendLiteral(string markup) => _text.Append(markup);

        /// <summary>Appends a finished fragment.</summary>
        public void AppendFormatted(HtmlBuilder fragment) => _text.Append(fragment._text);

        /// <summary>Appends an escaped value.</summary>
        public void AppendFormatted<T>(T value) => AppendFormatted(value, null);

        /// <summary>Appends an escaped value.</summary>
        public void AppendFormatted<T>(T value, string? format) =>
            _text.Append(WebUtility.HtmlEncode(SafeText.Of(value is IFormattable formattable
                ? formattable.ToString(format, CultureInfo.InvariantCulture)
                : value?.ToString() ?? "")));
    }
}

/// <summary>Room for what comes.</summary>
internal static class StringBuilderRoom
{
    /// <summary>Makes room and returns the same builder.</summary>
    public static StringBuilder EnsureRoom(this StringBuilder builder, int characters)
    {
        builder.EnsureCapacity(builder.Length + characters);
        return builder;
    }
}
