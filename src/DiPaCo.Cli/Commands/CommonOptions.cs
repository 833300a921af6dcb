using System.Collections.Immutable;
using System.CommandLine;
using DiPaCo.Cluster;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Commands;

/// <summary>Arguments and options that several verbs have, with the same name and meaning everywhere.</summary>
internal static class CommonOptions
{
    /// <summary>The folder of a run that exists.</summary>
    public static Argument<string> RunFolder() => new("run") { HelpName = "RUN", Description = "Folder of the run, for example runs/demo." };

    /// <summary>Machine-readable output.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write one JSON object to standard output; progress goes to standard error." };

    /// <summary>What help calls a value that is text, and may be empty.</summary>
    public const string Text = "TEXT";

    /// <summary>What to do about several texts behind one <c>--data</c>, as the shell's own expansion of a glob makes them.</summary>
    public const string DataHint = "Each text takes a --data of its own; quote a glob, so that the shell leaves it whole.";

    /// <summary>Text files. The option takes one text, so that it does not swallow the argument behind it.</summary>
    public static Option<string[]> Data(string description) => new("--data")
    {
        HelpName = "PATH",
        Description = $"{description} Repeat the option for more.",
        DefaultValueFactory = _ => [],
    };

    /// <summary>The dial of all defaults.</summary>
    public static Option<ModelSize?> Size(string description)
    {
        Option<ModelSize?> option = new("--size")
        {
            HelpName = "SIZE",
            Description = $"{description} One of: {string.Join(", ", SizeNames)}.",
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                int index = SizeNames.IndexOf(text.ToLowerInvariant());
                if (index >= 0)
                {
                    return (ModelSize)index;
                }

                result.AddError($"--size: '{text}' is not a size. Expected one of: {string.Join(", ", SizeNames)}.");
                return null;
            },
        };
        option.CompletionSources.Add([.. SizeNames]);
        return option;
    }

    private static readonly TimeSpan DoorPatience = TimeSpan.FromSeconds(10);

    private static ImmutableArray<string> SizeNames { get; } = [.. Enum.GetNames<ModelSize>().Select(name => name.ToLowerInvariant())];

    /// <summary>The invitation that <c>--join</c> is given; '-' stands for what comes on standard input, since arguments are seen by others.</summary>
    /// <exception cref="DiPaCoException">It is none.</exception>
    public static async Task<Invitation> InvitationAsync(string given, CancellationToken cancellationToken) =>
        Invitation.Read(given == "-" ? await Console.In.ReadToEndAsync(cancellationToken) : given);

    /// <summary>Connects to the first silo of an invitation that opens; to the others it turns when that one fails.</summary>
    /// <exception cref="LinkException">None opens; what is in the way of the last one.</exception>
    public static async Task<SiloChannel> ConnectAsync(Invitation invitation, TimeProvider time, CancellationToken cancellationToken) =>
        new(await ReachableAsync(invitation, time, cancellationToken), invitation, time);

    /// <summary>The first silo of an invitation that opens.</summary>
    /// <exception cref="LinkException">None opens; what is in the way of the last one.</exception>
    public static async Task<Uri> ReachableAsync(Invitation invitation, TimeProvider time, CancellationToken cancellationToken)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                await new SiloDoor(invitation.Addresses[i], invitation.Certificate, DoorPatience, time).LookAsync(cancellationToken);
                return invitation.Addresses[i];
            }
            catch (LinkException) when (i + 1 < invitation.Addresses.Length)
            {
                // The next one is as good.
            }
        }
    }
}
