using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>The certificate with which a silo shows who it is: the user's, or one that it makes itself once and keeps.</summary>
public static class ServerCertificate
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);

    /// <summary>Reads the user's certificate.</summary>
    /// <param name="certificate">PEM file of the certificate and its chain.</param>
    /// <param name="key">PEM file of the private key.</param>
    /// <exception cref="DiPaCoException">A file cannot be read, or they do not belong together.</exception>
    public static X509Certificate2 Read(string certificate, string key)
    {
        (X509Certificate2 read, X509Certificate2Collection chain) = PemCertificate.Read(certificate, key);
        foreach (X509Certificate2 one in chain)
        {
            // Workers trust the certificate that their invitation names, whoever signed it.
            one.Dispose();
        }

        return read;
    }

    /// <summary>The silo's own certificate; made when it is not there.</summary>
    /// <param name="path">Its file, PKCS #12, readable for its owner only.</param>
    /// <param name="now">The time from which it holds.</param>
    public static X509Certificate2 Own(string path, DateTimeOffset now)
    {
        try
        {
            if (!File.Exists(path))
            {
                DurableFile.WriteAllBytes(path, Make(now), ownerOnly: true);
            }

            return X509CertificateLoader.LoadPkcs12FromFile(path, null, X509KeyStorageFlags.Exportable);
        }
        catch (CryptographicException exception)
        {
            throw new DiPaCoException($"'{path}' is not the certificate that dipaco made: {exception.Message} Delete it for a new one; workers then need new invitations.", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "use", path);
        }
    }

    /// <summary>What invitations carry: SHA-256 of the certificate, 64 hexadecimal digits.</summary>
    public static string FingerprintOf(X509Certificate certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData()));

    /// <summary>Whether a certificate is the one that an invitation names: that one is trusted and no other, whoever signed it.</summary>
    public static bool Matches(X509Certificate? certificate, string fingerprint) =>
        certificate is not null && string.Equals(FingerprintOf(certificate), fingerprint, StringComparison.OrdinalIgnoreCase);

    /// <summary>A new certificate with its key, as PKCS #12.</summary>
    internal static byte[] Make(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=dipaco silo", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddDnsName(Dns.GetHostName());
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now + Lifetime);
        return certificate.Export(X509ContentType.Pkcs12);
    }
}
