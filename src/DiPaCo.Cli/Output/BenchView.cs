using DiPaCo.Cli.Bench;
using DiPaCo.Cli.Progress;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>bench</c> shows.</summary>
internal static class BenchView
{
    /// <summary>Writes the table.</summary>
    public static void Write(IAnsiConsole console, BenchResult result)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("measurement");
        table.AddColumn(new TableColumn("result") { Alignment = Justify.Right });
        table.AddColumn("meaning");
        table.AddRow("matrix product, fp32", $"[bold]{Units.Flops(result.Gemm.Fp32)}/s[/]", "[grey]2048³[/]");
        table.AddRow("matrix product, bf16", $"[bold]{Units.Flops(result.Gemm.Bf16)}/s[/]", "[grey]2048³[/]");
        foreach (BenchStep step in result.Step)
        {
            table.AddRow(
                $"training step, {MachineLine.Name(step.Dtype)}, {Units.Short(step.Parameters)} parameters",
                $"[bold]{Units.Percent(step.Ratio)}[/]",
                "[grey]of the matrix-product rate; more is better[/]");
        }

        table.AddRow("AdamW step", $"[bold]{result.AdamW.Ratio:0.00}×[/]", "[grey]the time of a memory copy of the same bytes; less is better[/]");
        table.AddRow("safetensors, write", $"[bold]{result.Safetensors.Write:0.00}×[/]", "[grey]the time of a copy of the same file; less is better[/]");
        table.AddRow("safetensors, read", $"[bold]{result.Safetensors.Read:0.00}×[/]", "[grey]the time of a copy of the same file[/]");
        table.AddRow("safetensors, plain write", $"[bold]{result.Safetensors.PlainWrite:0.00}×[/]", "[grey]the time of writing the same bytes without a format[/]");
        table.AddRow("safetensors, plain read", $"[bold]{result.Safetensors.PlainRead:0.00}×[/]", "[grey]the time of reading them[/]");
        table.AddRow("blob store, put", $"[bold]{result.Safetensors.Put:0.00}×[/]", "[grey]the time of writing and flushing the same bytes[/]");
        console.MarkupLine($"[grey]{Markup.Escape(MachineLine.Of(result.Machine))}[/]");
        console.Write(table);
    }
}
