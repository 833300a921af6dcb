using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Cluster;
using DiPaCo.Core;
using Spectre.Console;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco token create|list|revoke RUN</c>: who may join a run that listens, or with <c>--database</c> a cluster.</summary>
internal static class TokenCommand
{
    private const double LongestDays = 3650;

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services) => new("token", "Make, list and end the tokens of a run that listens (--listen), or of a cluster (--database).")
    {
        CreateToken(services), List(services), Revoke(services),
    };

    private static Command CreateToken(CliServices services)
    {
        Argument<string?> run = Run();
        Option<string?> database = SiloCommand.Database();
        Option<TokenRole> role = new("--role")
        {
            HelpName = "ROLE",
            Description = "worker: compute tasks; read: see the status; admin: everything. Default: worker.",
            DefaultValueFactory = _ => TokenRole.Worker,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (text is "worker" or "read" or "admin")
                {
                    return Enum.Parse<TokenRole>(text, ignoreCase: true);
                }

                result.AddError($"--role is '{text}'; worker, read or admin was expected.");
                return TokenRole.Read;
            },
        };
        Option<double?> days = new("--days") { HelpName = "N", Description = "Days until it ends. Default: 7." };
        Command command = new("create", "Make a token, and print the invitation with it. It is shown once.") { run, database, role, days };
        command.Validators.Add(result => Check(result, run, database));
        command.Validators.Add(result =>
        {
            if (result.GetValue(days) is { } given and not (> 0 and <= LongestDays))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--days is {given}; a number above 0 up to {LongestDays} was expected."));
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            (DoorFile door, ITokens tokens) = await OpenAsync(services, parsed.GetValue(run), parsed.GetValue(database), cancellation);
            (string token, TokenRecord record) = tokens.Create(parsed.GetValue(role), TimeSpan.FromDays(parsed.GetValue(days) ?? 7));
            Write(services, $"{door.InvitationFor(token).Write()}");
            services.Terminal.Error.Profile.Out.Writer.WriteLine($"Token {record.Id} for the role '{NameOf(record.Role)}', until {record.Expires:u}.");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command List(CliServices services)
    {
        Argument<string?> run = Run();
        Option<string?> database = SiloCommand.Database();
        Command command = new("list", "Show the tokens that have not ended. What they are cannot be found out.") { run, database };
        command.Validators.Add(result => Check(result, run, database));
        command.SetAction(async (parsed, cancellation) =>
        {
            (DoorFile _, ITokens tokens) = await OpenAsync(services, parsed.GetValue(run), parsed.GetValue(database), cancellation);
            Table table = new Table().Border(TableBorder.Simple).AddColumns("token", "role", "until");
            foreach (TokenRecord record in tokens.List())
            {
                table.AddRow(new Text(SafeText.OneLine(record.Id, 64)), new Text(NameOf(record.Role)), new Text($"{record.Expires:u}"));
            }

            services.Terminal.Standard.Write(table);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command Revoke(CliServices services)
    {
        // The run's folder, where it is one's, comes first.
        Argument<string[]> names = new("names") { HelpName = "[RUN] TOKEN", Description = "The run's folder, and what 'dipaco token list' calls the token; with --database the token alone.", Arity = new ArgumentArity(1, 2) };
        Option<string?> database = SiloCommand.Database();
        Command command = new("revoke", "End a token, at once or within seconds.") { names, database };
        command.Validators.Add(result =>
        {
            if ((result.GetResult(names)?.Tokens.Count == 2) == (result.GetValue(database) is not null))
            {
                result.AddError("token revoke: which token, of what? Give a run's folder and the token, or --database and the token.");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            (DoorFile _, ITokens tokens) = await OpenAsync(services, parsed.GetRequiredValue(names)[0], parsed.GetValue(database), cancellation);
            string name = parsed.GetRequiredValue(names)[^1];
            if (!tokens.Revoke(name))
            {
                throw new DiPaCoException($"There is no token '{name}'; 'dipaco token list' shows those that there are.");
            }

            Write(services, $"Token {name} has ended.");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Argument<string?> Run() => new("run") { HelpName = "RUN", Description = CommonOptions.RunFolder().Description, Arity = ArgumentArity.ZeroOrOne };

    private static async Task<(DoorFile Door, ITokens Tokens)> OpenAsync(CliServices services, string? run, string? database, CancellationToken cancellation)
    {
        if (database is not null)
        {
            string connection = DatabasePlace.Read(database);
            await new ClusterDatabase(connection).ThrowIfNotReadyAsync(cancellation);
            return (await new DatabaseDoor(connection, services.Clock).ReadAsync(cancellation), new DatabaseTokens(connection, services.Clock));
        }

        string folder = SiloCluster.StateFolderOf(run!);
        return (DoorFile.Read(folder), new TokenStore(TokenStore.FileOf(folder), services.Clock));
    }

    private static void Check(CommandResult result, Argument<string?> run, Option<string?> database)
    {
        if ((result.GetResult(run) is { Tokens.Count: > 0 }) == (result.GetValue(database) is not null))
        {
            result.AddError("token: of what? Give a run's folder, or --database for a cluster.");
        }
    }

    private static string NameOf(TokenRole role) => role.ToString().ToLowerInvariant();

    private static void Write(CliServices services, string line) => services.Terminal.Standard.Profile.Out.Writer.WriteLine(line);
}
