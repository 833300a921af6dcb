using DiPaCo.Cli.Output;
using DiPaCo.Cli.Tests.Support;
using Spectre.Console;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>The pages that show the perplexity table show the columns that the program prints.</summary>
public sealed class DocumentedTableTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/first-run.md")]
    public void PerplexityTablesOfThePage_HaveTheProgramsColumns(string page)
    {
        using StringWriter printed = new();
        Terminal terminal = Terminal.Of(printed, TextWriter.Null, interactive: false);
        terminal.Standard.Write(PerplexityTable.Of(SampleRun.Results().Evaluation));
        string[] expected = Assert.Single(Headers(printed.ToString()));

        string[][] shown = [.. Headers(Repository.Read(page))];

        Assert.NotEmpty(shown);
        Assert.All(shown, columns => Assert.Equal(expected, columns));
    }

    /// <summary>The columns' headers of every table whose first column is the model; a header of two lines keeps its line break.</summary>
    private static IEnumerable<string[]> Headers(string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("│ model ", StringComparison.Ordinal))
            {
                IEnumerable<string[]> rows = lines[i..].TakeWhile(line => line.StartsWith('│')).Select(Cells);
                yield return [.. rows.Aggregate((above, below) => [.. above.Zip(below, (a, b) => b.Length == 0 ? a : $"{a}\n{b}")])];
            }
        }
    }

    private static string[] Cells(string line) => [.. line.Split('│')[1..^1].Select(cell => cell.Trim())];
}
