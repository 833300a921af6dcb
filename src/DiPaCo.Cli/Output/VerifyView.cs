using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>verify</c> shows.</summary>
internal static class VerifyView
{
    private const int MostShown = 20;

    /// <summary>Writes the result, and what to do about damage.</summary>
    /// <param name="console">Where.</param>
    /// <param name="result">What was found.</param>
    /// <param name="repair">The command that sets damaged parts aside.</param>
    public static void Write(IAnsiConsole console, VerifyResult result, string repair)
    {
        string checkedText = $"{Units.Count(result.Blobs, "blob")}, {Units.Bytes(result.Bytes)}";
        if (result.Damaged.IsEmpty)
        {
            console.MarkupLine($"[green]✓[/] sound: {checkedText} re-hashed");
        }
        else
        {
            console.MarkupLine($"[red]✗[/] {result.Damaged.Length} damaged of {checkedText}");
            foreach (Damage damage in result.Damaged.Take(MostShown))
            {
                console.MarkupLine($"  {Markup.Escape(SafeText.OneLine(damage.What, 120))}: {Markup.Escape(SafeText.OneLine(damage.Problem, 200))}{(damage.Repaired ? " [green](set aside)[/]" : "")}");
            }

            if (result.Damaged.Length > MostShown)
            {
                console.MarkupLine($"  … and {result.Damaged.Length - MostShown} more");
            }

            bool repairable = result.Damaged.All(damage => damage.Repairable);
            console.WriteLine(result.IsSound
                ? "The run's 'dipaco train' command makes these parts anew."
                : repairable ? "This sets them aside, so that the run's 'dipaco train' command makes them anew:"
                : "This cannot be repaired: no command makes these parts anew.");
            if (!result.IsSound && repairable)
            {
                // Past the console, which would wrap a long line.
                console.Profile.Out.Writer.WriteLine($"  {SafeText.Of(repair)}");
            }
        }

        console.WriteLine($"model digest {result.ModelDigest ?? "none yet"}");
    }
}
