using DiPaCo.Cli.Progress;
using DiPaCo.Cluster;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco train FILE --join INVITATION</c>: hand a run to a cluster, follow it, and take it in when it is finished.</summary>
/// <param name="services">What commands work with.</param>
/// <param name="config">The run.</param>
/// <param name="folder">Its folder on this machine.</param>
/// <param name="invitation">The cluster.</param>
internal sealed class SubmittedTraining(CliServices services, LoadedConfig config, string folder, Invitation invitation)
{
    private string Name => config.Config.Name;

    /// <summary>Does all of it.</summary>
    /// <param name="strict">Whether all tasks are to be computed by workers that round alike.</param>
    /// <param name="json">Whether results are wanted as JSON.</param>
    /// <param name="cancellation">Ends the following, not the run.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(bool strict, bool json, CancellationToken cancellation)
    {
        IRunDisplay display = RunDisplay.Create(services, json);
        bool isSubmitted = false;
        try
        {
            using SiloChannel channel = await CommonOptions.ConnectAsync(invitation, services.Clock, cancellation);
            SubmittedRun submitted = new(new GrpcOperatorLink(channel.Invoker, services.Clock), channel.Http, folder, services.Clock);
            (RunResults results, string report) = await display.ShowAsync(async observer =>
            {
                PreparedRun prepared = await new RunTransfer(services.Clock).PrepareAsync(config, folder, observer, cancellation);
                await submitted.SubmitAsync(Name, prepared, strict, observer, cancellation);
                isSubmitted = true;
                observer.Observe(new RunNote($"The cluster has the run '{Name}'; Ctrl-C leaves it there.", IsWarning: false));
                RunLine end = await submitted.FollowAsync(Name, observer, cancellation);
                if (end.Life != RunLife.Finished)
                {
                    throw new DiPaCoException(end.Life == RunLife.Failed
                        ? $"The run '{Name}' cannot go on: {end.Doing} Once the cause is gone: '{services.Program} run resume {Name} --join …'."
                        : $"The run '{Name}' was deleted.");
                }

                RunResults taken = await submitted.TakeInAsync(Name, observer, cancellation);
                return (taken, await TrainCommand.ReportAsync(services, folder, taken, observer, cancellation));
            }, cancellation);
            TrainCommand.Write(services, folder, results, report, json);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            services.Terminal.Error.Profile.Out.Writer.WriteLine(isSubmitted
                ? $"Left. The cluster goes on with the run '{Name}'; the same command follows it again and takes it in when it is finished."
                : "Stopped before the cluster had the run; the same command goes on.");
            return ExitCodes.Interrupted;
        }
    }
}
