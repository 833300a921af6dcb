using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Core;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>What a researcher asks of a modular model: where the text went, how far modules move, whether paths pull the same way, and how far experts came from each other.</summary>
internal static class DiagnosticsSection
{
    private const int MostPaths = 64;
    private const int MostSources = 40;
    private const int MostModules = 12;

    /// <summary>Builds the sections; those without data are left out.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        HtmlBuilder html = new();
        AddConfusion(html, data.Results);
        AddNorms(html, data.Results);
        AddDrift(html, data.Results);
        return html;
    }

    private static void AddConfusion(HtmlBuilder html, RunResults results)
    {
        ImmutableArray<ShardTopics> shards = [.. results.Topics.Take(MostPaths)];
        ImmutableArray<string> sources =
        [
            .. shards.SelectMany(shard => shard.Sources).GroupBy(source => source.Source, StringComparer.Ordinal)
                .OrderByDescending(group => group.Sum(source => source.Documents)).ThenBy(group => group.Key, StringComparer.Ordinal)
                .Take(MostSources).Select(group => group.Key).Order(StringComparer.Ordinal),
        ];
        if (shards.Length < 2 || sources.Length < 2)
        {
            return;
        }

        Dictionary<(int, string), double> share = [];
        for (int row = 0; row < shards.Length; row++)
        {
            double all = Math.Max(1, shards[row].Sources.Sum(source => source.Documents));
            foreach (SourceCount source in shards[row].Sources)
            {
                share[(row, source.Source)] = source.Documents / all;
            }
        }

        SvgHeatMap map = new()
        {
            Title = "Sources of each shard",
            Rows = [.. shards.Select(shard => $"path {shard.Path}")],
            Columns = [.. sources.Select(source => SafeText.OneLine(source, 18))],
            Value = (row, column) => share.GetValueOrDefault((row, sources[column])),
            Text = value => Units.Percent(value),
        };
        double purity = Purity(results.Topics);
        html.Add($"<section><h2>Where the text went</h2>{map.Draw()}<p class='note'>Share of each source among a path's training documents. Purity, the share of documents that are of their shard's most frequent source: {purity:0.00}. Shards as large as {EffectivePaths(results.Shards):0.0} equal ones (the exponential of the entropy of their sizes), of {results.Shards.Length}.</p></section>");
    }

    private static void AddNorms(HtmlBuilder html, RunResults results)
    {
        IGrouping<ModuleId, OuterGradient>[] modules = [.. results.OuterGradients.GroupBy(gradient => gradient.Module)];
        if (modules.Length == 0 || results.OuterGradients.Max(gradient => gradient.Phase.Value) < 1)
        {
            return;
        }

        IGrouping<ModuleId, OuterGradient>[] shown = [.. modules.OrderByDescending(module => module.First().Paths).ThenBy(module => module.Key).Take(MostModules)];
        SvgLineChart norms = new()
        {
            Title = "Norm of the outer gradients",
            XLabel = "phase",
            Curves = [.. shown.Select((module, i) => new Series(module.Key.Name, i, [.. module.Select(gradient => (gradient.Phase.Value + 1.0, gradient.Norm))]))],
        };
        SvgLineChart deltas = new()
        {
            Title = "Mean norm of the paths' deltas",
            XLabel = "phase",
            Curves = [.. shown.Select((module, i) => new Series(module.Key.Name, i, [.. module.Select(gradient => (gradient.Phase.Value + 1.0, gradient.DeltaNorm))]))],
        };
        html.Add($"<section><h2>Outer gradients</h2>{norms.Draw()}<p class='note'>Norm of each module's outer gradient, the mean of what its paths changed in a phase. {(results.Model.Modules > shown.Length ? $"The {shown.Length} modules with the most paths, of {results.Model.Modules}." : "")}</p>{deltas.Draw()}<p class='note'>Mean norm of what the single paths changed: the more it is above the norm of their mean, the less they agree.</p>");
        IGrouping<ModuleId, OuterGradient>[] shared = [.. shown.Where(module => module.Any(gradient => gradient.Cosine is not null))];
        if (shared.Length > 0)
        {
            SvgLineChart cosines = new()
            {
                Title = "Cosine between the paths' deltas",
                XLabel = "phase",
                Curves = [.. shared.Select((module, i) => new Series(module.Key.Name, i, [.. module.Where(gradient => gradient.Cosine is not null).Select(gradient => (gradient.Phase.Value + 1.0, gradient.Cosine!.Value))]))],
            };
            html.Add($"{cosines.Draw()}<p class='note'>Mean cosine between the deltas of the paths through a module. The factor √P on the outer step assumes 0: {Justified(results)}</p>");
        }

        html.Add($"</section>");
    }

    /// <summary>With P deltas of equal norm and mean cosine c, the mean has √((1 + (P − 1)c) / P) of their norm; the factor that restores the norm of a delta is its inverse.</summary>
    private static string Justified(RunResults results)
    {
        int last = results.OuterGradients.Max(gradient => gradient.Phase.Value);
        OuterGradient[] shared = [.. results.OuterGradients.Where(gradient => gradient.Phase.Value == last && gradient is { Cosine: not null, Paths: > 1 })];
        if (shared.Length == 0)
        {
            return "";
        }

        double paths = shared.Average(gradient => gradient.Paths);
        double cosine = shared.Average(gradient => gradient.Cosine!.Value);
        double factor = Math.Sqrt(paths / Math.Max(1e-9, 1 + ((paths - 1) * cosine)));
        return string.Create(CultureInfo.InvariantCulture, $"with the {cosine:0.00} of the last phase and {paths:0.#} paths a module, the factor that gives the mean the length of a single delta is {factor:0.00}, and √P = {Math.Sqrt(paths):0.00}.");
    }

    private static void AddDrift(HtmlBuilder html, RunResults results)
    {
        if (results.Drift.IsEmpty)
        {
            return;
        }

        html.Add($"<section><h2>Drift of the experts</h2>");
        foreach (LevelDrift drift in results.Drift)
        {
            int n = drift.Modules.Length;
            ImmutableArray<string> names = [.. drift.Modules.Select(module => module.Name)];
            double largest = Math.Max(1e-12, drift.Distance.Max());
            SvgHeatMap distance = new()
            {
                Title = $"Distance between {names[0]} and others of its kind",
                Rows = names,
                Columns = names,
                Value = (row, column) => drift.Distance[(row * n) + column] / largest,
                Text = value => (value * largest).ToString("0.000", CultureInfo.InvariantCulture),
            };
            SvgHeatMap cosine = new()
            {
                Title = $"Cosine between the changes of {names[0]} and others of its kind",
                Rows = names,
                Columns = names,
                Value = (row, column) => drift.Cosine[(row * n) + column],
            };
            html.Add($"<h3>{names[0]} … {names[^1]}</h3>{distance.Draw()}<p class='note'>Distance between two modules over the norm of the base model's; from the base model itself {drift.FromBase.Min():0.000} to {drift.FromBase.Max():0.000}.</p>{cosine.Draw()}<p class='note'>Cosine between what two modules have changed since the fork.</p>");
        }

        html.Add($"</section>");
    }

    private static double Purity(ImmutableArray<ShardTopics> shards)
    {
        long all = shards.Sum(shard => shard.Sources.Sum(source => source.Documents));
        return (double)shards.Sum(shard => shard.Sources.Select(source => source.Documents).DefaultIfEmpty(0).Max()) / Math.Max(1, all);
    }

    private static double EffectivePaths(ImmutableArray<ShardSummary> shards)
    {
        double all = Math.Max(1, shards.Sum(shard => shard.Documents));
        return Math.Exp(-shards.Where(shard => shard.Documents > 0).Sum(shard => shard.Documents / all * Math.Log(shard.Documents / all)));
    }
}
