using System.Runtime.CompilerServices;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Bounds what one template may take: a hostile one neither hangs nor fills the memory. It belongs to one rendering.</summary>
internal sealed class Budget
{
    /// <summary>Deepest nesting of statements, expressions, macros and values.</summary>
    public const int MaxDepth = 100;

    // A conversation that fills a context takes some ten thousand; this many take about a second.
    private const long MaxSteps = 2_000_000;

    // Of all texts that are made on the way, together.
    private const long MaxCharacters = 32L << 20;

    private long _steps;
    private long _characters;
    private int _depth;

    /// <summary>Counts a step.</summary>
    public void Step(int line, long count = 1)
    {
        _steps += count;
        if (_steps > MaxSteps)
        {
            throw new TemplateException(line, $"the template takes more than {MaxSteps} steps for these messages.");
        }
    }

    /// <summary>Counts characters that are about to be written or looked through.</summary>
    public void Characters(int line, long count)
    {
        _characters += count;
        if (_characters > MaxCharacters)
        {
            throw new TemplateException(line, $"the template makes texts of more than {MaxCharacters} characters of these messages.");
        }
    }

    /// <summary>Counts the search for one text in another, whose time may grow with the product of both.</summary>
    public void Search(int line, int text, int sought) => Characters(line, text + ((long)text * sought / 64));

    /// <summary>Counts a look-up by a text, whose every character is looked at; true.</summary>
    public bool Looks(int line, int characters)
    {
        Characters(line, characters);
        return true;
    }

    /// <summary>Goes a level deeper.</summary>
    public void Enter(int line)
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateException(line, $"statements, values or macros are nested more than {MaxDepth} deep.");
        }
    }

    /// <summary>Comes back from it.</summary>
    public void Leave() => _depth--;
}
