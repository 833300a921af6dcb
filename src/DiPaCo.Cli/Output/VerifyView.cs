using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>verify</c> shows.</summary>
internal static class VerifyView
{
    private const int MostShown = 20;

    /// <summary>Writes the result, and what to do about damage.</summary>
    public static void Write(IAnsiConsole console, string folder, VerifyResult result)
    {
        string checkedText = $"{Units.Count(result.Blobs)} blobs, {Units.Bytes(result.Bytes)}";
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

            console.MarkupLine(result.IsSound
                ? "The run's 'dipaco train' command makes these parts anew."
                : $"'dipaco verify {Markup.Escape(folder)} --repair' sets them aside, so that the run's 'dipaco train' command makes them anew.");
        }

        console.WriteLine($"model digest {result.ModelDigest ?? "none yet"}");
    }
}
