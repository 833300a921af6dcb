using System.CommandLine;
using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Cluster;
using DiPaCo.Core;
using Spectre.Console;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco token create|list|revoke RUN</c>: who may join a run that listens.</summary>
internal static class TokenCommand
{
    private const double LongestDays = 3650;

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services) => new("token", "Make, list and end the tokens of a run that listens (--listen).")
    {
        CreateToken(services), List(services), Revoke(services),
    };

    private static Command CreateToken(CliServices services)
    {
        Argument<string> run = CommonOptions.RunFolder();
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
        Command command = new("create", "Make a token, and print the invitation with it. It is shown once.") { run, role, days };
        command.Validators.Add(result =>
        {
            if (result.GetValue(days) is { } given and not (> 0 and <= LongestDays))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"--days is {given}; a number above 0 up to {LongestDays} was expected."));
            }
        });
        command.SetAction(parsed =>
        {
            string folder = SiloCluster.StateFolderOf(parsed.GetRequiredValue(run));
            DoorFile door = DoorFile.Read(folder);
            (string token, TokenRecord record) = Tokens(folder, services).Create(parsed.GetValue(role), TimeSpan.FromDays(parsed.GetValue(days) ?? 7));
            Write(services, $"{door.InvitationFor(token).Write()}");
            services.Terminal.Error.Profile.Out.Writer.WriteLine($"Token {record.Id} for the role '{NameOf(record.Role)}', until {record.Expires:u}.");
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command List(CliServices services)
    {
        Argument<string> run = CommonOptions.RunFolder();
        Command command = new("list", "Show the tokens that have not ended. What they are cannot be found out.") { run };
        command.SetAction(parsed =>
        {
            string folder = SiloCluster.StateFolderOf(parsed.GetRequiredValue(run));
            _ = DoorFile.Read(folder);
            Table table = new Table().Border(TableBorder.Simple).AddColumns("token", "role", "until");
            foreach (TokenRecord record in Tokens(folder, services).List())
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
        Argument<string> run = CommonOptions.RunFolder();
        Argument<string> id = new("token") { HelpName = "TOKEN", Description = "What 'dipaco token list' calls it." };
        Command command = new("revoke", "End a token at once.") { run, id };
        command.SetAction(parsed =>
        {
            string folder = SiloCluster.StateFolderOf(parsed.GetRequiredValue(run));
            _ = DoorFile.Read(folder);
            string name = parsed.GetRequiredValue(id);
            if (!Tokens(folder, services).Revoke(name))
            {
                throw new DiPaCoException($"There is no token '{name}'; 'dipaco token list' shows those that there are.");
            }

            Write(services, $"Token {name} has ended.");
            return ExitCodes.Success;
        });
        return command;
    }

    private static TokenStore Tokens(string folder, CliServices services) => new(TokenStore.FileOf(folder), services.Clock);

    private static string NameOf(TokenRole role) => role.ToString().ToLowerInvariant();

    private static void Write(CliServices services, string line) => services.Terminal.Standard.Profile.Out.Writer.WriteLine(line);
}
