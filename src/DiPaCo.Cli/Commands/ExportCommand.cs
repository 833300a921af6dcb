using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Core;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco export RUN</c>: paths for other tools, or the whole model in one folder.</summary>
internal static class ExportCommand
{
    private const string AllPaths = "all";

    private static readonly ImmutableArray<(string Name, ExportFormat Value)> Formats =
        [("hf", ExportFormat.HuggingFace), ("gguf", ExportFormat.Gguf), ("dipaco", ExportFormat.DiPaCo)];

    private static readonly ImmutableArray<(string Name, ExportType Value)> Types =
        [("f32", ExportType.F32), ("bf16", ExportType.Bf16), ("f16", ExportType.F16), ("q8_0", ExportType.Q80)];

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = new("run") { HelpName = "RUN", Description = "Folder of the run, or of a model exported with '--format dipaco'." };
        Option<ExportFormat> format = Choice("--format", "FORMAT", Formats, "What for: hf (a Hugging Face checkpoint of a path), gguf (llama.cpp), dipaco (the whole model).");
        Option<ExportType> type = Choice("--type", "TYPE", Types, "How numbers are stored: f32 loses nothing; q8_0 is for gguf only.");
        Option<string?> path = new("--path") { HelpName = "N", Description = "Which path, or 'all'. With hf and gguf only." };
        Option<string?> output = new("--output", "-o") { HelpName = "PATH", Description = "Where to. Default: a name in the current folder that tells the run and the path." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("export", "Write paths for other tools, or the whole model into one folder.") { folder, format, path, type, output, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            ServedGrid grid = ServedGrid.Open(parsed.GetRequiredValue(folder));
            ExportFormat wanted = parsed.GetValue(format);
            ExportType elements = parsed.GetValue(type);
            if (wanted == ExportFormat.DiPaCo && (parsed.GetValue(path) ?? AllPaths) != AllPaths)
            {
                throw new DiPaCoException("'--format dipaco' exports the whole model. Leave out --path, or take '--format hf' or '--format gguf'.");
            }

            if (wanted == ExportFormat.DiPaCo && elements != ExportType.F32)
            {
                throw new DiPaCoException("'--format dipaco' keeps the parameters as they are. Leave out --type.");
            }

            PathId? one = wanted == ExportFormat.DiPaCo ? null : PathOf(parsed.GetValue(path), grid);
            string destination = parsed.GetValue(output) ?? DefaultName(grid.Description.Name, wanted, one);
            long bytes = wanted == ExportFormat.DiPaCo ? await ModelExport.ExportGridAsync(grid, destination, cancellation)
                : one is { } single ? await ModelExport.ExportPathAsync(grid, single, wanted, elements, destination, cancellation)
                : await ModelExport.ExportPathsAsync(grid, grid.Topology.Paths, wanted, elements, destination, cancellation);
            ExportResult result = new(
                grid.Description.Name, grid.Description.ModelDigest, Formats.First(known => known.Value == wanted).Name,
                one is { } number ? [number.Value] : [.. grid.Topology.Paths.Select(known => known.Value)], destination, bytes);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, result);
            }
            else
            {
                services.Terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{SafeText.Of(destination)}  {Units.Bytes(bytes)}"));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static PathId? PathOf(string? given, ServedGrid grid)
    {
        if (given == AllPaths)
        {
            return null;
        }

        if (given is null)
        {
            return grid.Topology.Paths.Length == 1 ? grid.Topology.Paths[0] : throw new DiPaCoException(
                $"'{grid.Description.Name}' has {grid.Topology.Paths.Length} paths. Say which to export: --path N, or --path {AllPaths}.");
        }

        return int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out int path) ? new PathId(path)
            : throw new DiPaCoException($"--path: '{given}' is not a path. Expected its number, or '{AllPaths}'.");
    }

    private static string DefaultName(string run, ExportFormat format, PathId? path) =>
        format == ExportFormat.DiPaCo ? $"{run}-dipaco"
        : path is { } one ? FormattableString.Invariant($"{run}-path-{one.Value}{(format == ExportFormat.Gguf ? ".gguf" : "")}")
        : $"{run}-{Formats.First(known => known.Value == format).Name}";

    private static Option<T> Choice<T>(string name, string helpName, ImmutableArray<(string Name, T Value)> choices, string description)
        where T : struct
    {
        string[] names = [.. choices.Select(choice => choice.Name)];
        Option<T> option = new(name)
        {
            HelpName = helpName,
            Description = description,
            DefaultValueFactory = _ => choices[0].Value,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                int index = Array.IndexOf(names, text.ToLowerInvariant());
                if (index >= 0)
                {
                    return choices[index].Value;
                }

                result.AddError($"{name}: '{text}' is not known. Expected one of: {string.Join(", ", names)}.");
                return default;
            },
        };
        option.CompletionSources.Add(names);
        return option;
    }
}
