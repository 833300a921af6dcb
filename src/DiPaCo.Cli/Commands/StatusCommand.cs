using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Cluster;
using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco status RUN</c>: how far a run is; <c>dipaco status --join INVITATION</c>: what its workers do.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan Rhythm = TimeSpan.FromSeconds(2);

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string?> folder = new("run") { HelpName = "RUN", Description = CommonOptions.RunFolder().Description, Arity = ArgumentArity.ZeroOrOne };
        Option<string?> join = new("--join") { HelpName = "INVITATION", Description = "Ask the run that listens what its workers do; what 'dipaco token create --role read' prints; '-' reads it from standard input." };
        Option<bool> watch = new("--watch") { Description = "With --join: again every two seconds, until Ctrl-C." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("status", "Show how far a run is, and its model digest; or what its workers do.") { folder, join, watch, json };
        command.Validators.Add(result =>
        {
            if ((result.GetResult(folder) is { Tokens.Count: > 0 }) == (result.GetValue(join) is not null))
            {
                result.AddError("status: of which run? Give its folder, or --join and an invitation.");
            }
            else if (result.GetValue(watch) && (result.GetValue(join) is null || result.GetValue(json)))
            {
                result.AddError("--watch needs --join, and goes without --json.");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(join) is { } invitation)
            {
                await ShowClusterAsync(services, await CommonOptions.InvitationAsync(invitation, cancellation), parsed.GetValue(watch), parsed.GetValue(json), cancellation);
                return ExitCodes.Success;
            }

            string run = parsed.GetRequiredValue(folder)!;
            RunStatus status = await services.Engine.StatusAsync(run, cancellation);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, status);
            }
            else
            {
                StatusView.Write(services.Terminal.Standard, run, status, GoOn(services.Program, run, status));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>
    /// A run that has its tokens needs nothing but its own folder. Before that it reads its text, whose place may be relative to the file that it began with.
    /// </summary>
    private static string? GoOn(string program, string run, RunStatus status) => status is { State: RunState.Stopped, Stage: > Stage.Tokens }
        ? $"{program} train {Shell.Quote(Path.Combine(run, "config.yaml"))} --run {Shell.Quote(run)}"
        : null;

    private static async Task ShowClusterAsync(CliServices services, Invitation invitation, bool watch, bool json, CancellationToken cancellation)
    {
        using SiloChannel channel = await CommonOptions.ConnectAsync(invitation, services.Clock, cancellation);
        GrpcOperatorLink link = new(channel.Invoker, services.Clock);
        ClusterView view = await link.StatusAsync(cancellation);
        if (json)
        {
            JsonOutput.Write(services.Terminal, view);
            return;
        }

        ClusterStatusView.Write(services.Terminal.Standard, view);
        while (watch)
        {
            await Task.Delay(Rhythm, services.Clock, cancellation);
            try
            {
                view = await link.StatusAsync(cancellation);
                services.Terminal.Standard.Clear();
                ClusterStatusView.Write(services.Terminal.Standard, view);
            }
            catch (LinkException exception) when (!exception.IsFinal)
            {
                services.Terminal.Standard.WriteLine($"{exception.Message} Above is what was there at {view.Clock:u}; asked again in {Rhythm.TotalSeconds:0} s.");
            }
        }
    }
}
