using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;

namespace DiPaCo.Cluster;

/// <summary>
/// How silos of one database speak to each other: TLS in which both sides show the certificate that the database keeps. Who cannot read the
/// database has neither its key nor anything to say to a silo.
/// </summary>
/// <param name="certificate">The cluster's own, with its key.</param>
internal sealed class SiloLink(X509Certificate2 certificate)
{
    private const string Host = "dipaco silo";

    private readonly string _fingerprint = ServerCertificate.FingerprintOf(certificate);

    /// <summary>Makes a silo speak so.</summary>
    public void Secure(ISiloBuilder silo) => silo.UseTls(certificate, tls =>
    {
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (remote, _, _) => ServerCertificate.Matches(remote, _fingerprint);
        tls.OnAuthenticateAsClient = (_, client) => client.TargetHost = Host;
    });
}
