using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using DiPaCo.Cluster;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco silo</c>: one of the machines that host runs and hand out their tasks; any number of them make a cluster.</summary>
internal static class SiloCommand
{
    private const double GiB = 1L << 30;

    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Option<string?> database = Database();
        Option<bool> init = new("--init-db") { Description = "Make or update the tables in --database, and end." };
        Option<string?> blobs = new("--blobs") { HelpName = "PLACE", Description = "The blobs, the same for all silos: a folder that they share, s3://bucket/prefix or azure://container/prefix." };
        Option<string?> listen = new("--listen") { HelpName = "ADDRESS:PORT", Description = "Where workers and users reach this silo; port 0 is any." };
        Option<string?> host = new("--public-host") { HelpName = "NAME", Description = "Name or address under which they reach this machine." };
        Option<string?> between = new("--between") { HelpName = "ADDRESS:PORT", Description = "Where the other silos reach this one: an address of this machine. They speak TLS with the certificate in the database (with --insecure: none). Default: 127.0.0.1 and any port." };
        Option<string?> certificate = new("--certificate") { HelpName = "PEM", Description = "Certificate for TLS, with --certificate-key, the same for all silos. Default: one that the cluster makes itself." };
        Option<string?> key = new("--certificate-key") { HelpName = "PEM", Description = "Private key of --certificate." };
        Option<bool> insecure = new("--insecure") { Description = "No TLS: only for networks in which nobody else is." };
        Option<string> state = new("--state") { HelpName = "DIR", Description = "This silo's own folder, for what is under way; nothing in it must be kept.", DefaultValueFactory = _ => DefaultState() };
        Option<string?> name = new("--name") { HelpName = "NAME", Description = "Name of this silo, for people. Default: the machine's name." };
        Option<double?> lease = new("--lease") { HelpName = "SECONDS", Description = "How long a worker may be silent before its task goes to another. Default: 15." };
        Option<double?> ratio = new("--max-norm-ratio") { HelpName = "N", Description = "A path that moves a module N times as far as the others in the median is asked for again from another worker; 0: never. Default: 10." };
        Option<double?> cache = new("--cache-size") { HelpName = "GIB", Description = "Largest size of local copies of remote blobs, GiB. Default: 20." };
        Command command = new("silo", "Host runs and hand out their tasks, together with other silos on the same database.")
        {
            database, init, blobs, listen, host, between, certificate, key, insecure, state, name, lease, ratio, cache,
        };
        command.Validators.Add(result =>
        {
            Require(result, database, blobs, listen, result.GetValue(init));
            Check(result, certificate, key, lease, ratio);
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            string connection = DatabasePlace.Read(parsed.GetValue(database)!);
            if (parsed.GetValue(init))
            {
                int applied = await new ClusterDatabase(connection).ApplySchemaAsync(cancellation);
                Write(services, applied == 0 ? "The database is up to date." : $"The database is ready; {applied} steps were applied.");
                return ExitCodes.Success;
            }

            IPEndPoint endpoint = EndPoint("--listen", parsed.GetValue(listen)!);
            IPEndPoint inner = EndPoint("--between", parsed.GetValue(between) ?? "127.0.0.1:0");
            string folder = Path.GetFullPath(parsed.GetRequiredValue(state));
            SiloOptions options = new()
            {
                StateFolder = folder,
                Listen = endpoint,
                PublicHost = parsed.GetValue(host) ?? (endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName() : null),
                Database = connection,
                Certificate = parsed.GetValue(certificate) is { } pem ? (pem, parsed.GetValue(key)!) : null,
                Insecure = parsed.GetValue(insecure),
                Lease = TimeSpan.FromSeconds(parsed.GetValue(lease) ?? 15),
                MaximumNormRatio = parsed.GetValue(ratio) ?? 10,
                SiloAddress = inner.Address,
                SiloPort = inner.Port,
                Name = parsed.GetValue(name) ?? Environment.MachineName,
            };
            long cacheBytes = (long)((parsed.GetValue(cache) ?? 20) * GiB);
            using BlobPlace place = await BlobPlace.OpenAsync(parsed.GetValue(blobs)!, Path.Combine(folder, "cache"), cacheBytes, services.Clock, cancellation);
            return await RunAsync(services, options, place, cancellation);
        });
        return command;
    }

    /// <summary>The database of a cluster.</summary>
    public static Option<string?> Database() => new("--database")
    {
        HelpName = "WHERE",
        Description = "The cluster's PostgreSQL database: a connection string, env:NAME for one in an environment variable, or file:PATH. Arguments are seen by other users of the machine.",
    };

    private static async Task<int> RunAsync(CliServices services, SiloOptions options, BlobPlace place, CancellationToken cancellation)
    {
        await using SiloHost silo = await SiloHost.StartAsync(options, place.Store, services.Clock, cancellation);
        Write(services, $"Silo {options.Name} is open at {string.Join(", ", silo.Addresses)}.");
        if (options.Insecure && !IPAddress.IsLoopback(options.Listen!.Address))
        {
            Write(services, $"warning: {options.Listen} is open without TLS (--insecure): whoever can read the network can read tokens and change what travels.");
        }

        if (options.Insecure && !IPAddress.IsLoopback(options.SiloAddress))
        {
            Write(services, $"warning: whoever reaches {options.SiloAddress} (--between) can speak to this silo as another one (--insecure).");
        }

        Write(services, $"Invitations: '{services.Program} token create --database … --role worker' for workers, '--role admin' to submit runs, '--role read' to look.");
        TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration leaving = cancellation.Register(left.SetResult);
        await Task.WhenAny(left.Task, silo.Ended);
        if (!cancellation.IsCancellationRequested)
        {
            throw new DiPaCoException("The silo has ended: the others have given it up, or the database is gone. Start it again; what it hosted goes on elsewhere.");
        }

        Write(services, "Leaving; what it hosts goes on on another silo.");
        return ExitCodes.Success;
    }

    private static void Require(CommandResult result, Option<string?> database, Option<string?> blobs, Option<string?> listen, bool onlyTables)
    {
        Option<string?>[] needed = onlyTables ? [database] : [database, blobs, listen];
        foreach (Option<string?> option in needed.Where(option => string.IsNullOrEmpty(result.GetValue(option))))
        {
            result.AddError($"silo: {option.Name} is missing. {option.Description}");
        }
    }

    private static void Check(CommandResult result, Option<string?> certificate, Option<string?> key, Option<double?> lease, Option<double?> ratio)
    {
        if ((result.GetValue(certificate) is null) != (result.GetValue(key) is null))
        {
            result.AddError("--certificate and --certificate-key belong together; give both or neither.");
        }

        if (result.GetValue(lease) is { } seconds and not (>= 2 and <= 3600))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--lease is {seconds}; 2 to 3600 seconds were expected."));
        }

        if (result.GetValue(ratio) is { } given and not (0 or (>= 1 and <= 1e9)))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--max-norm-ratio is {given}; 0, or a number of at least 1 was expected."));
        }
    }

    private static IPEndPoint EndPoint(string option, string text) => IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && text.Contains(':', StringComparison.Ordinal)
        ? endpoint
        : throw new DiPaCoException($"{option} is '{text}'; an address and a port were expected, for example 0.0.0.0:7420 or 127.0.0.1:0.");

    private static string DefaultState() => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } folder ? folder : Path.GetTempPath(),
        "dipaco", "silo");

    private static void Write(CliServices services, string line)
    {
        TextWriter output = services.Terminal.Standard.Profile.Out.Writer;
        output.WriteLine(line);
        output.Flush();
    }
}
