namespace DiPaCo.Serving.Chat.Templates;

/// <summary>What a piece of a template is.</summary>
internal enum TokenKind
{
    /// <summary>Text to be written as it is.</summary>
    Data,

    /// <summary><c>{%</c>.</summary>
    StatementBegin,

    /// <summary><c>%}</c>.</summary>
    StatementEnd,

    /// <summary><c>{{</c>.</summary>
    OutputBegin,

    /// <summary><c>}}</c>.</summary>
    OutputEnd,

    /// <summary>A name or a word of the language.</summary>
    Name,

    /// <summary>A string, without quotes and escapes.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>Another number.</summary>
    Number,

    /// <summary>A sign.</summary>
    Sign,

    /// <summary>The end of the template.</summary>
    End,
}
