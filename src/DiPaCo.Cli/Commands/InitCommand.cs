using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco init</c>: a commented configuration to start from.</summary>
internal static class InitCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Option<string> output = new("--output", "-o") { HelpName = "FILE", Description = "The file to write.", DefaultValueFactory = _ => "dipaco.yaml" };
        Option<ModelSize?> size = CommonOptions.Size("The dial that fills in everything else. Default: small.");
        Option<string[]> data = CommonOptions.Data("Files, folders or globs to train on. Default: the .NET SDK's API documentation.");
        Option<bool> force = new("--force") { Description = "Replace the file if it exists." };
        Command command = new("init", "Write a commented configuration to start from.") { output, size, data, force };
        command.SetAction(async (parsed, cancellation) =>
        {
            string file = parsed.GetRequiredValue(output);
            string[] paths = parsed.GetRequiredValue(data);
            string text = ConfigTemplate.Write(parsed.GetValue(size) ?? ModelSize.Small, paths.Length > 0 ? paths : ["demo"], NameOf(file));
            await WriteAsync(file, text, parsed.GetValue(force), cancellation);
            services.Terminal.WriteLine($"{file} written. What it means: dipaco plan {Shell.Quote(file)}. Train it: dipaco train {Shell.Quote(file)}");
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task WriteAsync(string file, string text, bool force, CancellationToken cancellation)
    {
        if (Directory.Exists(file))
        {
            throw new DiPaCoException($"'{file}' is a folder; expected the name of a file to write, for example {Path.Combine(file, "dipaco.yaml")}.");
        }

        if (!force && File.Exists(file))
        {
            throw new DiPaCoException($"'{file}' exists. Choose another name with -o, or replace it with --force.");
        }

        string? folder = Path.GetDirectoryName(file);
        if (!string.IsNullOrEmpty(folder))
        {
            Directory.CreateDirectory(folder);
        }

        await File.WriteAllTextAsync(file, text, cancellation);
    }

    /// <summary>The run is named after the file, without what a run's name must not contain.</summary>
    private static string NameOf(string file)
    {
        string name = string.Concat(Path.GetFileNameWithoutExtension(file).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '-')).Trim('-', '.', '_');
        return name.Length is > 0 and <= 100 ? name : "run";
    }
}
