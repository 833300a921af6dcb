namespace DiPaCo.Serving.Chat.Templates;

/// <summary>A template that cannot be read, or cannot be filled in with these messages.</summary>
internal sealed class TemplateException : Exception
{
    /// <summary>A mistake of the template.</summary>
    /// <param name="line">Its line, from 1.</param>
    /// <param name="problem">What is wrong and what was expected.</param>
    public TemplateException(int line, string problem)
        : base(FormattableString.Invariant($"line {line}: {problem}"))
    {
    }

    private TemplateException(string message)
        : base(message)
    {
        IsRaised = true;
    }

    /// <summary>Whether the template itself said so, by <c>raise_exception</c>: the messages are not as it wants them.</summary>
    public bool IsRaised { get; }

    /// <summary>What a template says of the messages.</summary>
    public static TemplateException Raised(string message) => new(message);
}
