using System.CommandLine;
using System.Text;
using DiPaCo.Cli.Output;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco init</c>: a commented configuration to start from.</summary>
internal static class InitCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Option<string> output = new("--output", "-o") { HelpName = "FILE", Description = "The file to write.", DefaultValueFactory = _ => "dipaco.yaml" };
        Option<ModelSize?> size = CommonOptions.Size("The dial that fills in everything else. Default: small.");
        Option<string[]> data = CommonOptions.Data("A file, folder or glob to train on. Default: the .NET SDK's API documentation.");
        Option<bool> force = new("--force") { Description = "Replace the file if it exists." };
        Command command = new("init", "Write a commented configuration to start from.") { output, size, data, force };
        command.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(output);
            string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
            string[] paths = [.. parsed.GetRequiredValue(data).Select(path => ConfigOverrides.RelativeTo(folder, path))];
            string text = ConfigTemplate.Write(parsed.GetValue(size) ?? ModelSize.Small, paths.Length > 0 ? paths : [DataOptions.Demo], RunName.Of(Path.GetFileNameWithoutExtension(file), "run"));
            Write(file, text, parsed.GetValue(force));
            services.Terminal.WriteLine($"{file} written.\n  What it means:  {services.Program} plan {Shell.Quote(file)}\n  Train it:       {services.Program} train {Shell.Quote(file)}");
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Write(string file, string text, bool force)
    {
        if (Directory.Exists(file))
        {
            throw new DiPaCoException($"'{file}' is a folder; expected the name of a file to write, for example {Path.Combine(file, "dipaco.yaml")}.");
        }

        if (!force && File.Exists(file))
        {
            throw new DiPaCoException($"'{file}' exists. Choose another name with -o, or replace it with --force.");
        }

        DurableFile.WriteAllBytes(file, Encoding.UTF8.GetBytes(text));
    }
}
