using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Runtime;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco eval RUN</c>: held-out perplexity again, also on text that the run has never seen.</summary>
internal static class EvalCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Option<string[]> data = CommonOptions.Data("A file, folder or glob to evaluate on. Default: the run's own test split.");
        Option<string?> weights = SamplingSettings.Weights("Also measure the model as 'dipaco serve --weights' stores it: fp32, bf16 or int8, in fp32 arithmetic.");
        Option<bool> json = CommonOptions.Json();
        Command command = new("eval", "Measure the perplexity of a run's models, also on text of your own.") { folder, data, weights, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string run = parsed.GetRequiredValue(folder);
            IWeightRounding? rounding = SamplingSettings.WeightsOf(parsed.GetValue(weights)) is { } type ? new ServedWeights(type) : null;
            bool asJson = parsed.GetValue(json);
            EvaluationResult result = await RunDisplay.Create(services, asJson).ShowAsync(
                observer => services.Engine.EvaluateAsync(run, [.. parsed.GetRequiredValue(data)], rounding, observer, cancellation), cancellation);
            if (asJson)
            {
                JsonOutput.Write(services.Terminal, result);
            }
            else
            {
                EvaluationView.Write(services.Terminal.Standard, result);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
