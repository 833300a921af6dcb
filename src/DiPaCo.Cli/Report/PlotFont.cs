using SkiaSharp;

namespace DiPaCo.Cli.Report;

/// <summary>The typeface of the PNG plots: a sans-serif one that this machine has.</summary>
internal static class PlotFont
{
    /// <summary>Name of the family; the system's default where none of the usual ones is installed.</summary>
    public static string Family { get; } = Choose();

    /// <summary>What is wrong where the machine has no font at all; null elsewhere.</summary>
    public static string? Problem { get; } = SKFontManager.Default.FontFamilies.Any()
        ? null
        : "This machine has no font, so the PNG plots have no labels; those of the report do. Install one (fonts-dejavu-core on Debian and Ubuntu) and let 'dipaco report' draw them again.";

    private static string Choose()
    {
        HashSet<string> installed = [.. SKFontManager.Default.FontFamilies];
        string[] wanted = ["Inter", "Segoe UI", "Helvetica Neue", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial"];
        return wanted.FirstOrDefault(installed.Contains) ?? SKTypeface.Default.FamilyName;
    }
}
