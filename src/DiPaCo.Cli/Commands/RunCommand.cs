using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Cluster;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco run pause|resume|delete NAME --join INVITATION</c>: what somebody wants of a run of a cluster.</summary>
internal static class RunCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services) => new("run", "Pause, resume or delete a run of a cluster.")
    {
        Change(services, "pause", "Let the run wait: workers hand its tasks back, and what is done is kept.", RunWish.Pause),
        Change(services, "resume", "Let a paused or failed run go on.", RunWish.Resume),
        Change(services, "delete", "Delete the run. Blobs that no other run names are freed when they have been there for an hour.", RunWish.Delete),
    };

    private static Command Change(CliServices services, string verb, string description, RunWish wish)
    {
        Argument<string> name = new("name") { HelpName = "NAME", Description = "What 'dipaco status --join' calls it." };
        Option<string> join = new("--join") { HelpName = "INVITATION", Description = "What 'dipaco token create --role admin' prints; '-' reads it from standard input.", Required = true };
        Command command = new(verb, description) { name, join };
        command.SetAction(async (parsed, cancellation) =>
        {
            Invitation invitation = await CommonOptions.InvitationAsync(parsed.GetRequiredValue(join), cancellation);
            using SiloChannel channel = await CommonOptions.ConnectAsync(invitation, services.Clock, cancellation);
            RunLine line = await new GrpcOperatorLink(channel.Invoker, services.Clock).ChangeAsync(parsed.GetRequiredValue(name), wish, cancellation);
            services.Terminal.Standard.Profile.Out.Writer.WriteLine(SafeText.OneLine($"Run {line.Run} is {line.Life.ToString().ToLowerInvariant()}.", 200));
            return ExitCodes.Success;
        });
        return command;
    }
}
