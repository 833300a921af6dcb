using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Security.Cryptography;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Cli.Commands;

/// <summary>The options that say how tokens are drawn, and how weights are stored.</summary>
internal sealed class SamplingSettings
{
    private readonly Option<double> _temperature = new("--temperature") { HelpName = "T", Description = "Divides the logits; 0 writes the likeliest token always. Default: 0.8.", DefaultValueFactory = _ => 0.8 };
    private readonly Option<double> _topP = new("--top-p") { HelpName = "P", Description = "Only the likeliest tokens of this probability together. Default: 0.95.", DefaultValueFactory = _ => 0.95 };
    private readonly Option<int> _topK = new("--top-k") { HelpName = "K", Description = "Only so many of the likeliest tokens; 0: all." };
    private readonly Option<double> _minP = new("--min-p") { HelpName = "P", Description = "Only tokens at least this share as likely as the likeliest." };
    private readonly Option<double> _repetition = new("--repetition-penalty") { HelpName = "X", Description = "Makes tokens that occurred less likely; 1: none.", DefaultValueFactory = _ => 1 };
    private readonly Option<long?> _seed = new("--seed") { HelpName = "N", Description = "Seed of the draws; with it the same text comes out again." };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _temperature, _topP, _topK, _minP, _repetition, _seed })
        {
            command.Add(option);
        }

        command.Validators.Add(Check);
    }

    /// <summary>What was given.</summary>
    public SamplingOptions Read(ParseResult parsed) => new()
    {
        Temperature = parsed.GetValue(_temperature),
        TopP = parsed.GetValue(_topP),
        TopK = parsed.GetValue(_topK),
        MinP = parsed.GetValue(_minP),
        RepetitionPenalty = parsed.GetValue(_repetition),
        Seed = parsed.GetValue(_seed) ?? BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)),
    };

    /// <summary>How weights are stored.</summary>
    public static Option<string?> Weights(string description = "fp32, bf16 or int8. Default: as the run trained.")
    {
        Option<string?> option = new("--weights") { HelpName = "TYPE", Description = description };
        option.AcceptOnlyFromAmong([.. WeightNames.Keys]);
        return option;
    }

    /// <summary>The type of that name.</summary>
    public static WeightType? WeightsOf(string? name) => name is null ? null : WeightNames[name];

    /// <summary>When and how to re-route.</summary>
    public static Option<string?> Reroute() => new("--reroute") { HelpName = "W[:ROUTER]", Description = "Choose a path anew every W tokens, by the document router or with ':token' by the token router." };

    /// <summary>Reads W or W:router.</summary>
    /// <exception cref="DiPaCoException">It is neither.</exception>
    public static RerouteOptions? RerouteOf(string? text)
    {
        if (text is null)
        {
            return null;
        }

        string[] parts = text.Split(':');
        ReroutingRouter? router = parts switch
        {
            [_] or [_, "prefix"] => ReroutingRouter.Prefix,
            [_, "token"] => ReroutingRouter.Token,
            _ => null,
        };
        return router is { } known && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int window) && window is > 0 and <= 1 << 20
            ? new RerouteOptions(window, known)
            : throw new DiPaCoException($"--reroute is '{text}'; a number of tokens was expected, and a router if wanted: 64, 64:prefix or 64:token.");
    }

    private static ImmutableSortedDictionary<string, WeightType> WeightNames { get; } = ImmutableSortedDictionary.CreateRange(
        StringComparer.Ordinal,
        [
            KeyValuePair.Create("fp32", WeightType.Fp32),
            KeyValuePair.Create("bf16", WeightType.Bf16),
            KeyValuePair.Create("int8", WeightType.Q8),
        ]);

    private void Check(CommandResult result)
    {
        Within(result, _temperature, 0, 100);
        Within(result, _topP, 0, 1);
        Within(result, _minP, 0, 1);
        Within(result, _repetition, 0.01, 100);
        if (result.GetValue(_topK) < 0)
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--top-k is {result.GetValue(_topK)}; 0 or more was expected."));
        }
    }

    private static void Within(CommandResult result, Option<double> option, double least, double most)
    {
        // Defaults are not there yet while options are checked.
        if (result.GetResult(option) is { Implicit: false } && result.GetValue(option) is double value && !(value >= least && value <= most))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} is {value}; {least} to {most} were expected."));
        }
    }
}
