using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using DiPaCo.Core;
using DiPaCo.Serving.Http;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco serve RUN</c>: a model behind an HTTP API that OpenAI's clients speak.</summary>
internal static class ServeCommand
{
    private const double MiB = 1 << 20;

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string?> folder = new("run") { HelpName = "RUN", Description = "Folder of a run, also one in training, or of an exported model.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> listen = new("--listen") { HelpName = "ADDRESS:PORT", Description = "Where to listen; port 0 is any. Default: 127.0.0.1:7460, this machine only.", DefaultValueFactory = _ => "127.0.0.1:7460" };
        Option<string?> keys = new("--keys") { HelpName = "FILE", Description = "File of keys; requests then need one." };
        Option<string?> newKey = new("--new-key") { HelpName = "NAME", Description = "Make a key, add its hash to --keys and print it; serves nothing." };
        Option<string?> certificate = new("--certificate") { HelpName = "PEM", Description = "Certificate for TLS, with --certificate-key." };
        Option<string?> key = new("--certificate-key") { HelpName = "PEM", Description = "Private key of --certificate." };
        Option<bool> insecure = new("--insecure") { Description = "Let other machines connect without TLS or keys: only for networks in which nobody else is." };
        Option<string?> weights = SamplingSettings.Weights();
        Option<double?> memory = new("--memory") { HelpName = "MIB", Description = "Most weights in memory, MiB; modules longest unused make room. Default: half of the machine's memory." };
        Option<double?> cache = new("--cache") { HelpName = "MIB", Description = "Most keys and values in memory, MiB. Default: an eighth of the machine's memory." };
        Option<int> sequences = new("--max-sequences") { HelpName = "N", Description = "Sequences computed side by side. Default: 64.", DefaultValueFactory = _ => 64 };
        Option<int> queue = new("--max-queue") { HelpName = "N", Description = "Sequences that may wait; further ones get 429. Default: 256.", DefaultValueFactory = _ => 256 };
        Option<int> output = new("--max-output") { HelpName = "N", Description = "Most tokens of one answer. Default: 4096.", DefaultValueFactory = _ => 4096 };
        Option<int?> prompt = new("--max-prompt") { HelpName = "N", Description = "Most tokens of a prompt. Default: what the model's context has room for." };
        Option<int> connections = new("--max-connections") { HelpName = "N", Description = "Connections at once; further ones are closed. Default: 1100.", DefaultValueFactory = _ => 1100 };
        Option<double> timeout = new("--timeout") { HelpName = "SECONDS", Description = "How long a request may take. Default: 600.", DefaultValueFactory = _ => 600 };
        Option<double> grace = new("--grace") { HelpName = "SECONDS", Description = "Time that running requests have to end when the server is asked to stop (Ctrl-C, SIGTERM). Default: 20.", DefaultValueFactory = _ => 20 };
        Option<string?> reroute = SamplingSettings.Reroute();
        Option<int> threads = new("--threads") { HelpName = "N", Description = "Threads for arithmetic; 0: all cores." };
        Command command = new("serve", "Serve a model over HTTP, to OpenAI's clients and others.")
        {
            folder, listen, keys, newKey, certificate, key, insecure, weights, memory, cache, sequences, queue, prompt, output, connections, timeout, grace, reroute, threads,
        };
        command.Validators.Add(result =>
        {
            Between(result, sequences, 1, 65_536);
            Between(result, queue, 0, 1_000_000);
            Between(result, output, 0, int.MaxValue);
            Between(result, connections, 1, 1_000_000);
            Between(result, threads, 0, 1_024);
            if (result.GetValue(prompt) is < 1)
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--max-prompt is {result.GetValue(prompt)}; at least 1 was expected."));
            }

            if (result.GetResult(timeout) is { Implicit: false } && result.GetValue(timeout) is not (> 0 and <= 1e6))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--timeout is {result.GetValue(timeout)}; a number of seconds above 0, at most 1000000, was expected."));
            }

            if (result.GetResult(grace) is { Implicit: false } && result.GetValue(grace) is not (>= 0 and <= 1e6))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--grace is {result.GetValue(grace)}; 0 to 1000000 seconds were expected."));
            }

            foreach (Option<double?> size in (Option<double?>[])[memory, cache])
            {
                if (result.GetValue(size) is { } given and not (> 0 and < 1e9))
                {
                    result.AddError(string.Create(CultureInfo.InvariantCulture, $"{size.Name} is {given}; a number of MiB above 0 was expected."));
                }
            }

            if ((result.GetValue(certificate) is null) != (result.GetValue(key) is null))
            {
                result.AddError("--certificate and --certificate-key belong together; give both or neither.");
            }

            if (result.GetValue(newKey) is not null && result.GetValue(keys) is null)
            {
                result.AddError("--new-key needs --keys, the file that the key's hash is added to.");
            }

            if (result.GetValue(newKey) is null && result.GetValue(folder) is null)
            {
                result.AddError("A folder is missing: a run's, or one that 'dipaco export --format dipaco' made.");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(newKey) is { } name)
            {
                services.Terminal.WriteLine(ApiKeys.Create(parsed.GetValue(keys)!, name));
                return ExitCodes.Success;
            }

            ServingOptions defaults = new();
            ServingOptions options = new()
            {
                Listen = EndPoint(parsed.GetRequiredValue(listen)),
                KeyFile = parsed.GetValue(keys),
                Certificate = parsed.GetValue(certificate) is { } pem ? (pem, parsed.GetValue(key)!) : null,
                Insecure = parsed.GetValue(insecure),
                Weights = SamplingSettings.WeightsOf(parsed.GetValue(weights)),
                WeightBytes = parsed.GetValue(memory) is { } most ? (long)(most * MiB) : defaults.WeightBytes,
                CacheBytes = parsed.GetValue(cache) is { } pages ? (long)(pages * MiB) : defaults.CacheBytes,
                MaxSequences = parsed.GetValue(sequences),
                MaxQueue = parsed.GetValue(queue),
                Threads = parsed.GetValue(threads) is > 0 and int wanted ? wanted : defaults.Threads,
                Limits = new ServingLimits
                {
                    MaxPromptTokens = parsed.GetValue(prompt) ?? int.MaxValue,
                    MaxOutputTokens = parsed.GetValue(output),
                    MaxConnections = parsed.GetValue(connections),
                    Timeout = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
                    Reroute = SamplingSettings.RerouteOf(parsed.GetValue(reroute)),
                },
            };
            await using ServingHost host = await ServingHost.StartAsync(parsed.GetValue(folder)!, options, services.Clock, services.Terminal.WriteLine, cancellation);
            services.Terminal.WriteLine($"Serving {host.Model} at {host.Address}v1 (Ctrl-C stops). A page for trying prompts is at {host.Address}");
            services.Terminal.WriteLine(host.Keys is { } known
                ? string.Create(CultureInfo.InvariantCulture, $"Requests need a key: {known} {(known == 1 ? "is" : "are")} in {options.KeyFile}.")
                : "Requests need no key: whoever reaches the address is served.");
            await Task.Delay(Timeout.InfiniteTimeSpan, services.Clock, cancellation).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            TimeSpan rest = TimeSpan.FromSeconds(parsed.GetValue(grace));
            services.Terminal.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"Stopping: running requests have {rest.TotalSeconds:0.###} s to end. A second Ctrl-C or signal ends them at once."));
            await host.StopAsync(rest);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Between(CommandResult result, Option<int> option, int least, int most)
    {
        // Defaults are not there yet while options are checked.
        if (result.GetResult(option) is { Implicit: false } && (result.GetValue(option) < least || result.GetValue(option) > most))
        {
            string wanted = most == int.MaxValue ? string.Create(CultureInfo.InvariantCulture, $"at least {least}") : string.Create(CultureInfo.InvariantCulture, $"{least} to {most}");
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} is {result.GetValue(option)}; {wanted} was expected."));
        }
    }

    private static IPEndPoint EndPoint(string text) => IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && text.Contains(':', StringComparison.Ordinal)
        ? endpoint
        : throw new DiPaCoException($"--listen is '{text}'; an address and a port were expected, for example 127.0.0.1:7460.");
}
