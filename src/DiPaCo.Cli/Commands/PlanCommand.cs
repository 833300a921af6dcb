using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco plan FILE</c>: what a configuration means, before anything runs.</summary>
internal static class PlanCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> file = new("file") { HelpName = "FILE", Description = "The run's configuration (YAML)." };
        Option<ModelSize?> size = CommonOptions.Size("The dial, in the place of the file's.");
        Option<string[]> data = CommonOptions.Data("A file, folder or glob to train on, in the place of the file's.");
        Option<bool> json = CommonOptions.Json();
        Command command = new("plan", "Show what a configuration means: modules, paths, memory, operations, and every default.") { file, size, data, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            LoadedConfig loaded = RunConfigLoader.Load(parsed.GetRequiredValue(file), new ConfigOverrides { Size = parsed.GetValue(size), DataPaths = [.. parsed.GetRequiredValue(data)] });
            PlanInputs inputs = await PlanInputs.ReadAsync(loaded, cancellation);
            double rate = await services.Bench.TrainingFlopsPerSecondAsync(loaded.Config, cancellation);
            RunPlan plan = RunPlan.Of(loaded.Config, new PlanAssumptions { FlopsPerSecond = rate, Vocabulary = inputs.Vocabulary, Corpus = inputs.Corpus });
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, PlanJson.Of(plan, loaded, inputs.CorpusProblem));
            }
            else
            {
                PlanView.Write(services.Terminal.Standard, plan, loaded, inputs.CorpusProblem);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
