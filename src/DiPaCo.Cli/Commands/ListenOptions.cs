using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using DiPaCo.Cluster;
using DiPaCo.Core;

namespace DiPaCo.Cli.Commands;

/// <summary>The options with which a training process opens its door to workers.</summary>
/// <param name="any">Whether workers that round differently are taken: an option that other ways to a cluster have as well.</param>
internal sealed class ListenOptions(Option<bool> any)
{
    private readonly Option<string?> _listen = new("--listen")
    {
        HelpName = "ADDRESS:PORT", Description = "Let workers of other machines compute as well; port 0 is any. 127.0.0.1:0 is for this machine only.",
    };

    private readonly Option<string?> _host = new("--public-host") { HelpName = "NAME", Description = "Name or address under which workers reach this machine." };
    private readonly Option<string?> _certificate = new("--certificate") { HelpName = "PEM", Description = "Certificate for TLS, with --certificate-key. Default: one that the run makes itself." };
    private readonly Option<string?> _key = new("--certificate-key") { HelpName = "PEM", Description = "Private key of --certificate." };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "No TLS: only for networks in which nobody else is." };
    private readonly Option<bool> _only = new("--workers-only") { Description = "This process trains no path: it makes outer steps, whose inputs lie here, and leaves the rest to workers." };
    private readonly Option<double?> _lease = new("--lease") { HelpName = "SECONDS", Description = "How long a worker may be silent before its task goes to another. Default: 15." };

    private readonly Option<double?> _ratio = new("--max-norm-ratio") { HelpName = "N", Description = "A path that moves a module N times as far as the others in the median is asked for again from another worker; 0: never. Default: 10." };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _listen, _host, _certificate, _key, _insecure, _only, _lease, _ratio })
        {
            command.Add(option);
        }

        command.Validators.Add(Check);
    }

    /// <summary>What was given; null: no door.</summary>
    public SiloClusterOptions? Read(ParseResult parsed, string program) => parsed.GetValue(_listen) is not { } listen ? null : new SiloClusterOptions
    {
        Listen = EndPoint(listen),
        PublicHost = parsed.GetValue(_host) ?? (EndPoint(listen).Address is { } address && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)) ? Dns.GetHostName() : null),
        Certificate = parsed.GetValue(_certificate) is { } certificate ? (certificate, parsed.GetValue(_key)!) : null,
        Insecure = parsed.GetValue(_insecure),
        TrainsItself = !parsed.GetValue(_only),
        Strict = !parsed.GetValue(any),
        Lease = TimeSpan.FromSeconds(parsed.GetValue(_lease) ?? 15),
        MaximumNormRatio = parsed.GetValue(_ratio) ?? 10,
        Program = program,
    };

    private static IPEndPoint EndPoint(string text) => IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && text.Contains(':', StringComparison.Ordinal)
        ? endpoint
        : throw new DiPaCoException($"--listen is '{text}'; an address and a port were expected, for example 0.0.0.0:7420 or 127.0.0.1:0.");

    private void Check(CommandResult result)
    {
        if (result.GetResult(_listen) is null or { Implicit: true })
        {
            foreach (Option option in new Option[] { _host, _certificate, _key, _insecure, _only, _lease, _ratio })
            {
                if (result.GetResult(option) is { Implicit: false })
                {
                    result.AddError($"{option.Name} says how workers of other machines reach the run; it needs --listen.");
                }
            }
        }

        if ((result.GetValue(_certificate) is null) != (result.GetValue(_key) is null))
        {
            result.AddError("--certificate and --certificate-key belong together; give both or neither.");
        }

        if (result.GetValue(_lease) is { } lease and not (>= 2 and <= 3600))
        {
            result.AddError($"--lease is {lease}; 2 to 3600 seconds were expected.");
        }

        if (result.GetValue(_ratio) is { } ratio and not (0 or (>= 1 and <= 1e9)))
        {
            result.AddError($"--max-norm-ratio is {ratio}; 0, or a number of at least 1 was expected.");
        }
    }
}
