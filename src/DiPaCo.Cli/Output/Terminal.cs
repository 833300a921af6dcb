using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>Standard output and standard error, each with what it can show.</summary>
internal sealed class Terminal
{
    private const int PipeWidth = 120;

    private Terminal(IAnsiConsole standard, IAnsiConsole error)
    {
        Standard = standard;
        Error = error;
    }

    /// <summary>Where results go.</summary>
    public IAnsiConsole Standard { get; }

    /// <summary>Where errors go, and progress when standard output is for a script.</summary>
    public IAnsiConsole Error { get; }

    /// <summary>The process's own streams. <c>NO_COLOR</c> and <c>TERM=dumb</c> are respected.</summary>
    public static Terminal OfProcess() => new(
        Create(Console.Out, Console.IsOutputRedirected ? InteractionSupport.No : InteractionSupport.Detect),
        Create(Console.Error, Console.IsErrorRedirected ? InteractionSupport.No : InteractionSupport.Detect));

    /// <summary>Two writers in the place of the process's streams.</summary>
    public static Terminal Of(TextWriter standard, TextWriter error, bool interactive) => new(
        Create(standard, interactive ? InteractionSupport.Yes : InteractionSupport.No),
        Create(error, interactive ? InteractionSupport.Yes : InteractionSupport.No));

    /// <summary>Whether a display that redraws itself makes sense there.</summary>
    public static bool IsLive(IAnsiConsole console) => console.Profile.Capabilities is { Interactive: true, Ansi: true };

    /// <summary>Writes a line to standard output as it is: no wrapping, no colors.</summary>
    public void WriteLine(string line) => Standard.Profile.Out.Writer.WriteLine(line);

    /// <summary>Writes an error: the message as it is, unwrapped so that paths and commands can be copied, red where colors are shown.</summary>
    public void WriteError(string message)
    {
        bool colors = Error.Profile.Capabilities.ColorSystem != ColorSystem.NoColors;
        string text = $"error: {SafeText.Of(message)}";
        Error.Profile.Out.Writer.WriteLine(colors ? $"\u001b[31m{text}\u001b[0m" : text);
    }

    private static IAnsiConsole Create(TextWriter writer, InteractionSupport interaction)
    {
        bool pipe = interaction == InteractionSupport.No;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Interactive = interaction,
            Ansi = interaction switch
            {
                InteractionSupport.No => AnsiSupport.No,
                InteractionSupport.Yes => AnsiSupport.Yes,
                _ => AnsiSupport.Detect,
            },
            ColorSystem = pipe ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (pipe)
        {
            console.Profile.Width = PipeWidth;
        }

        return console;
    }
}
