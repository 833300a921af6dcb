using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using DiPaCo.Cli.Commands;
using DiPaCo.Core;

namespace DiPaCo.Cli;

/// <summary>The command line from arguments to exit code: every error ends here.</summary>
internal sealed class Application(CliServices services)
{
    /// <summary>Parses and runs; never throws.</summary>
    /// <param name="arguments">The arguments of the process.</param>
    /// <param name="cancellation">Asks for a clean stop.</param>
    public async Task<int> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        ParseResult parsed = CommandTree.Create(services).Parse(arguments, CommandTree.Parsing);
        if (parsed.Action is ParseErrorAction)
        {
            return WriteUsageErrors(parsed);
        }

        InvocationConfiguration invocation = new()
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = services.Terminal.Standard.Profile.Out.Writer,
            Error = services.Terminal.Error.Profile.Out.Writer,
        };
        try
        {
            return await parsed.InvokeAsync(invocation, cancellation);
        }
        catch (DiPaCoException exception)
        {
            services.Terminal.WriteError(exception.Message);
            return ExitCodes.UserError;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            services.Terminal.Error.Profile.Out.Writer.WriteLine("Stopped.");
            return ExitCodes.Interrupted;
        }
        catch (Exception exception) when (ExplainEnvironment(exception) is { } explanation)
        {
            services.Terminal.WriteError(explanation);
            return ExitCodes.UserError;
        }
#pragma warning disable CA1031 // The last handler of the process: whatever arrives here is a bug, and is said to be one.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            services.Terminal.WriteError($"{exception.Message}\nThis is a bug in dipaco. Please report it with the command and the lines below.\n{exception}");
            return ExitCodes.Bug;
        }
    }

    /// <summary>Failures of the machine that nobody below turned into a message of its own: a full disk, a folder that may not be written.</summary>
    private static string? ExplainEnvironment(Exception exception) => exception switch
    {
        UnauthorizedAccessException => $"{exception.Message} Change the permissions, or choose another folder.",
        IOException => $"{exception.Message.TrimEnd('.')}. Once the cause is gone, the same command goes on.",
        _ => null,
    };

    private int WriteUsageErrors(ParseResult parsed)
    {
        string command = CommandTree.NameOf(parsed.CommandResult);
        foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
        {
            services.Terminal.WriteError(message);
        }

        if (parsed.UnmatchedTokens.Count > 0 && parsed.GetResult("--data") is OptionResult { Implicit: false })
        {
            services.Terminal.Error.Profile.Out.Writer.WriteLine(CommonOptions.DataHint);
        }

        services.Terminal.Error.Profile.Out.Writer.WriteLine($"'{command} --help' lists what is possible.");
        return ExitCodes.Usage;
    }
}
