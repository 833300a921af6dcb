using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;

namespace DiPaCo.Cli.Commands;

/// <summary>All verbs.</summary>
internal static class CommandTree
{
    /// <summary>How arguments are read: no response files, since a leading @ may be a file's name.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    /// <summary>Builds the root command.</summary>
    public static RootCommand Create(CliServices services)
    {
        RootCommand root = new(
            "DiPaCo.NET trains modular language models by Distributed Path Composition. "
            + "Start with 'dipaco train --demo --size tiny': a real model in about a minute, nothing to download.")
        {
            InitCommand.Create(services),
            PlanCommand.Create(services),
            TrainCommand.Create(services),
            SiloCommand.Create(services),
            WorkerCommand.Create(services),
            RunCommand.Create(services),
            TokenCommand.Create(services),
            StatusCommand.Create(services),
            VerifyCommand.Create(services),
            LedgerCommand.Create(services),
            EvalCommand.Create(services),
            GenerateCommand.Create(services),
            ServeCommand.Create(services),
            ExportCommand.Create(services),
            ExperimentCommand.Create(services),
            ReportCommand.Create(services),
            SimulateCommand.Create(services),
            BenchCommand.Create(services),
        };
        root.SetAction(parsed => new HelpAction().Invoke(parsed));
        CheckValues(root);
        return root;
    }

    /// <summary>The command as it is typed, for example <c>dipaco train</c>.</summary>
    public static string NameOf(CommandResult command) => command.Parent is CommandResult parent
        ? $"{NameOf(parent)} {command.Command.Name}"
        : "dipaco";

    private static void CheckValues(Command command)
    {
        RefuseEmptyValues(command);
        LeaveMissingValuesToTheParser(command);
        foreach (Command verb in command.Subcommands)
        {
            CheckValues(verb);
        }
    }

    /// <summary>An empty value is a shell variable that is not set, never a path, a name or an address. Texts may be empty.</summary>
    private static void RefuseEmptyValues(Command command)
    {
        foreach (Option option in command.Options.Where(option => IsNamed(option.ValueType) && option.HelpName != CommonOptions.Text))
        {
            option.Validators.Add(result => Check(result, $"{option.Name}: the value is empty; expected {option.HelpName ?? "a value"}."));
        }

        foreach (Argument argument in command.Arguments.Where(argument => IsNamed(argument.ValueType)))
        {
            argument.Validators.Add(result => Check(result, $"{argument.HelpName ?? argument.Name} is empty."));
        }

        static bool IsNamed(Type type) => type == typeof(string) || type == typeof(string[]);

        static void Check(SymbolResult result, string error)
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            {
                result.AddError(error);
            }
        }
    }

    /// <summary>An option without its value throws as soon as a validator asks for it; the parser says later what is missing.</summary>
    private static void LeaveMissingValuesToTheParser(Command command)
    {
        Action<CommandResult>[] own = [.. command.Validators];
        command.Validators.Clear();
        foreach (Action<CommandResult> validator in own)
        {
            command.Validators.Add(result =>
            {
                try
                {
                    validator(result);
                }
                catch (InvalidOperationException) when (result.Children.OfType<OptionResult>().Any(option => option.Tokens.Count < option.Option.Arity.MinimumNumberOfValues))
                {
                }
            });
        }
    }
}
