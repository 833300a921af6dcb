using System.Globalization;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>plan</c> shows.</summary>
internal static class PlanView
{
    private const int MostKinds = 24;
    private const int MostPaths = 16;

    private static readonly char[] Digits = [.. "0123456789"];

    /// <summary>Writes the plan, then the complete configuration.</summary>
    /// <param name="console">Where.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="loaded">What was planned.</param>
    /// <param name="corpusProblem">Why nothing is known of the text; null where something is.</param>
    public static void Write(IAnsiConsole console, RunPlan plan, LoadedConfig loaded, string? corpusProblem)
    {
        console.MarkupLine($"[bold]{Markup.Escape(SafeText.OneLine(plan.Name, 100))}[/] [grey]size {plan.Size.ToString().ToLowerInvariant()}[/]");
        console.WriteLine();
        console.Write(Facts(plan, loaded.Config.Tokenizer, corpusProblem));
        console.WriteLine();
        console.Write(Modules(plan));
        console.Write(Paths(plan));
        console.Write(Stages(plan));
        foreach (PlannedStage stage in plan.Stages.Where(stage => stage.LossProblem is not null))
        {
            console.MarkupLine($"[yellow]{Markup.Escape(stage.Name)}: {Markup.Escape(stage.LossProblem!)}[/]");
        }

        console.WriteLine();
        console.MarkupLine("[grey]The complete configuration:[/]");
        console.Profile.Out.Writer.WriteLine(SafeText.Of(ResolvedYaml.Write(loaded)));
    }

    private static Grid Facts(RunPlan plan, TokenizerOptions tokenizer, string? corpusProblem)
    {
        Grid grid = new Grid().AddColumn(new GridColumn { NoWrap = true }).AddColumn();
        Add(grid, "paths", $"{Units.Count(plan.Paths.Length)} of {Units.Short(plan.PathParameters)} parameters: what it costs to use the model");
        Add(grid, "modules", $"{Units.Count(plan.Modules.Length)}, {Units.Short(plan.TotalParameters)} parameters in all");
        Add(grid, "vocabulary", $"{Units.Count(plan.Shape.Vocabulary)} entries, {(tokenizer.File is { } file ? $"of {SafeText.OneLine(file, 100)}" : "trained on the text")}");
        Add(grid, "text", TextOf(plan.Corpus, corpusProblem));
        Add(grid, "memory", $"{Units.Bytes(plan.Memory.Total)} to train a path, {Units.Bytes(plan.Memory.Activations)} of it activations");
        Add(grid, "traffic", $"{Units.Bytes(plan.Traffic.DownPerWorker)} down and {Units.Bytes(plan.Traffic.UpPerWorker)} up per phase, if workers were elsewhere");
        Add(grid, "outer steps", plan.Traffic.OuterUp == 0 ? "none" : $"{Units.Bytes(plan.Traffic.OuterDown)} read and {Units.Bytes(plan.Traffic.OuterUp)} written per phase{FoldsOf(plan.Traffic)}");
        Add(grid, "work", $"{Units.Short(plan.TotalTokens)} tokens through models, {Units.Flops(plan.TotalFlops)}: training {Units.Short(plan.TrainingFlops)}, routing {Units.Short(plan.RoutingFlops)}, evaluation {Units.Short(plan.EvaluationFlops)}");
        Add(grid, "time", plan.TotalSeconds is { } seconds ? $"about {Units.Duration(Seconds(seconds))} on this machine" : "unknown");
        return grid;
    }

    private static string FoldsOf(PlannedTraffic traffic) => traffic.FoldsUp == 0
        ? ""
        : $"; folds before them read {Units.Bytes(traffic.FoldsDown)} and write {Units.Bytes(traffic.FoldsUp)}";

    private static string TextOf(PlannedCorpus corpus, string? problem) => corpus.Basis switch
    {
        CorpusBasis.Counted => $"{Units.Count(corpus.Documents, "document")}, about {Units.Short(corpus.Tokens)} tokens",
        CorpusBasis.Sampled => $"about {Units.Short(corpus.Documents)} documents of {Units.Short(corpus.Tokens)} tokens, by a sample",
        _ => $"taken to be as much as one path trains on, {Units.Short(corpus.Tokens)} tokens. {SafeText.OneLine(problem ?? "", 1000)}",
    };

    private static Table Modules(RunPlan plan)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("modules").AddColumn(Number("how many")).AddColumn("parts").AddColumn(Number("parameters each")).AddColumn(Number("paths through each"));
        PlannedModule[][] kinds = [.. plan.Modules.GroupBy(module => (Stem(module), module.Parts, module.Parameters, module.Paths)).Select(kind => kind.OrderBy(Ordinal).ToArray())];
        foreach (PlannedModule[] kind in kinds.Take(MostKinds))
        {
            PlannedModule module = kind[0];
            table.AddRow(
                Markup.Escape(kind.Length == 1 ? module.Id.Name : $"{module.Id.Name} … {Ordinal(kind[^1])}"),
                Units.Count(kind.Length), Markup.Escape(module.Parts), Units.Count(module.Parameters), Units.Count(module.Paths));
        }

        if (kinds.Length > MostKinds)
        {
            table.AddRow($"[grey]… and {Units.Count(kinds.Skip(MostKinds).Sum(kind => kind.Length))} more[/]");
        }

        return table;

        // Experts of one level, and the modules of each path, differ by the number that their names end with.
        static string Stem(PlannedModule module) => module.Id.Name.TrimEnd(Digits);
        static int Ordinal(PlannedModule module) => int.TryParse(module.Id.Name.AsSpan(Stem(module).Length), NumberStyles.None, CultureInfo.InvariantCulture, out int ordinal) ? ordinal : 0;
    }

    private static Table Paths(RunPlan plan)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("path").AddColumn("its modules, as they follow each other");
        foreach (PlannedPath path in plan.Paths.Take(MostPaths))
        {
            table.AddRow($"{path.Id}", Markup.Escape(string.Join(" → ", path.Modules.Select(module => module.Name))));
        }

        if (plan.Paths.Length > MostPaths)
        {
            table.AddRow($"[grey]… and {Units.Count(plan.Paths.Length - MostPaths)} more[/]");
        }

        return table;
    }

    private static Table Stages(RunPlan plan)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumn("stage").AddColumn(Number("steps")).AddColumn(Number("tokens")).AddColumn(Number("FLOPs")).AddColumn(Number("losses")).AddColumn(Number("time, about"));
        foreach (PlannedStage stage in plan.Stages)
        {
            table.AddRow(
                Markup.Escape(stage.ModuleEvaluations is { } evaluations ? $"{stage.Name}, {Units.Count(evaluations, "module evaluation")}" : stage.Name),
                stage.Steps > 0 ? Units.Count(stage.Steps) : "",
                Units.Short(stage.Tokens),
                Units.Short(stage.Flops),
                stage.LossBytes is { } bytes ? Units.Bytes(bytes) : "",
                stage.Seconds is { } seconds ? Units.Duration(Seconds(seconds)) : "");
        }

        return table;
    }

    /// <summary>The paper's model on a laptop takes longer than a <see cref="TimeSpan"/> can say.</summary>
    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 9e11));

    private static TableColumn Number(string header) => new(header) { Alignment = Justify.Right };

    private static void Add(Grid grid, string name, string value) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(value));
}
