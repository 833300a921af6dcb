using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Cli.Output;
using DiPaCo.Core;
using DiPaCo.Serving.Generation;
using Spectre.Console;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco generate RUN</c>: let a model go on from a text, and see which path writes it.</summary>
internal static class GenerateCommand
{
    /// <summary>Far more than the longest context has room for.</summary>
    private const int MostPrompt = 4 << 20;

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Option<string?> prompt = new("--prompt") { HelpName = CommonOptions.Text, Description = "What to go on from; '-' reads it from standard input. Default: a text's beginning." };
        Option<int?> path = new("--path") { HelpName = "N", Description = "The path that writes. Default: the router chooses." };
        Option<int?> tokens = new("--max-tokens") { HelpName = "N", Description = "Most tokens to write. Default: what the context has room for." };
        Option<string[]> stop = new("--stop") { HelpName = CommonOptions.Text, Description = "End before this text. Repeat the option for more.", DefaultValueFactory = _ => [] };
        Option<string?> reroute = SamplingSettings.Reroute();
        Option<string?> weights = SamplingSettings.Weights();
        Option<int> threads = new("--threads") { HelpName = "N", Description = "Threads for arithmetic; 0: all cores." };
        Option<bool> json = CommonOptions.Json();
        SamplingSettings sampling = new();
        Command command = new("generate", "Let a run's model, or an exported one, go on from a text.") { folder, prompt, path, tokens, stop, reroute, weights, threads, json };
        sampling.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(threads) is < 0 or > 4096)
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--threads is {result.GetValue(threads)}; 0 to 4096 were expected."));
            }

            if (result.GetValue(tokens) is < 1)
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--max-tokens is {result.GetValue(tokens)}; at least 1 was expected."));
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            string text = parsed.GetValue(prompt) switch
            {
                null => "",
                "-" => await StandardInputAsync(cancellation),
                string given => given,
            };
            GenerateOptions options = new()
            {
                Path = parsed.GetValue(path) is { } number ? new PathId(number) : null,
                MaxTokens = parsed.GetValue(tokens),
                Sampling = sampling.Read(parsed),
                Stop = [.. parsed.GetRequiredValue(stop)],
                Reroute = SamplingSettings.RerouteOf(parsed.GetValue(reroute)),
                Weights = SamplingSettings.WeightsOf(parsed.GetValue(weights)),
                Threads = parsed.GetValue(threads) is > 0 and int wanted ? wanted : Environment.ProcessorCount,
            };
            IAsyncEnumerable<GeneratedPiece> pieces = TextGenerator.WriteAsync(parsed.GetRequiredValue(folder), text, options, cancellation);
            await (parsed.GetValue(json) ? WriteJsonAsync(services.Terminal, text, pieces) : WriteAsync(services.Terminal, text, pieces));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>All of standard input. Its reader waits for the end whatever is cancelled, so it is left alone when the command is stopped.</summary>
    private static async Task<string> StandardInputAsync(CancellationToken cancellation)
    {
        char[] text = new char[MostPrompt + 1];
        int length = await Task.Run(() => Console.In.ReadBlock(text), CancellationToken.None).WaitAsync(cancellation);
        return length <= MostPrompt ? new string(text, 0, length)
            : throw new DiPaCoException(string.Create(CultureInfo.InvariantCulture, $"Standard input has more than {MostPrompt} characters, which no context has room for."));
    }

    private static async Task WriteAsync(Terminal terminal, string prompt, IAsyncEnumerable<GeneratedPiece> pieces)
    {
        TextWriter output = terminal.Standard.Profile.Out.Writer;
        bool colors = terminal.Standard.Profile.Capabilities.ColorSystem != ColorSystem.NoColors;
        bool begun = false;
        string color = "";
        await foreach (GeneratedPiece piece in pieces)
        {
            switch (piece)
            {
                case GeneratedPiece.Routed routed:
                    color = ColorOf(routed.Path);
                    Note(string.Create(CultureInfo.InvariantCulture, $"path {routed.Path.Value} (experts {string.Join(", ", routed.Experts)}{Runner(routed)})\n"));
                    break;
                case GeneratedPiece.Rerouted rerouted:
                    color = ColorOf(rerouted.To);
                    Note(string.Create(CultureInfo.InvariantCulture, $"[path {rerouted.From.Value} → {rerouted.To.Value}]"));
                    break;
                case GeneratedPiece.Text text:
                    Begin();
                    output.Write(colors ? $"\u001b[{color}m{SafeText.Of(text.Value)}\u001b[0m" : SafeText.Of(text.Value));
                    break;
                case GeneratedPiece.Finished finished:
                    Begin();
                    output.WriteLine();
                    Note(string.Create(CultureInfo.InvariantCulture, $"{finished.Tokens} tokens, {finished.Reason}\n"));
                    break;
                default:
                    break;
            }

            await output.FlushAsync();
        }

        void Begin()
        {
            if (!begun)
            {
                begun = true;
                output.Write(SafeText.Of(prompt));
            }
        }

        // Beside the text, not in it: a script that reads standard output gets the text alone.
        void Note(string note) => terminal.Error.Profile.Out.Writer.Write(
            terminal.Error.Profile.Capabilities.ColorSystem != ColorSystem.NoColors ? $"\u001b[{color}m{note}\u001b[0m" : note);
    }

    private static async Task WriteJsonAsync(Terminal terminal, string prompt, IAsyncEnumerable<GeneratedPiece> pieces)
    {
        System.Text.StringBuilder text = new();
        ImmutableArray<object>.Builder reroutes = ImmutableArray.CreateBuilder<object>();
        GeneratedPiece.Routed? routed = null;
        GeneratedPiece.Finished? finished = null;
        await foreach (GeneratedPiece piece in pieces)
        {
            routed = piece as GeneratedPiece.Routed ?? routed;
            finished = piece as GeneratedPiece.Finished ?? finished;
            text.Append((piece as GeneratedPiece.Text)?.Value);
            if (piece is GeneratedPiece.Rerouted rerouted)
            {
                reroutes.Add(new { position = rerouted.Position, from = rerouted.From.Value, to = rerouted.To.Value });
            }
        }

        terminal.WriteLine(JsonSerializer.Serialize(new
        {
            prompt, text = text.ToString(), path = routed?.Path.Value, experts = routed?.Experts, scores = routed?.Scores, reroutes,
            finish_reason = finished?.Reason, prompt_tokens = finished?.PromptTokens, tokens = finished?.Tokens,
        }));
    }

    private static string Runner(GeneratedPiece.Routed routed) => routed.Scores.Length < 2 ? "" : string.Create(
        CultureInfo.InvariantCulture, $"; score {routed.Scores.Max():0.###}, next {routed.Scores.OrderDescending().ElementAt(1):0.###}");

    /// <summary>Neighboring paths look different.</summary>
    private static string ColorOf(PathId path) => string.Create(CultureInfo.InvariantCulture, $"{31 + (path.Value % 6)}");
}
