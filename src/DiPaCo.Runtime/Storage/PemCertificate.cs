using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Certificates in the form in which authorities hand them out: PEM files.</summary>
public static class PemCertificate
{
    /// <summary>Reads a certificate with its private key.</summary>
    /// <param name="certificate">PEM file of the certificate, and of those that vouch for it, if any.</param>
    /// <param name="key">PEM file of the private key.</param>
    /// <returns>The certificate with its key, and all certificates of the file, which servers send along. The caller owns them.</returns>
    /// <exception cref="DiPaCoException">A file cannot be read, or they do not belong together.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Chain) Read(string certificate, string key)
    {
        try
        {
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(certificate, key);
            X509Certificate2Collection chain = [];
            chain.ImportFromPemFile(certificate);

            // A certificate read from PEM has a key that lives in memory only, which Windows' TLS refuses.
            return (X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null), chain);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new DiPaCoException($"'{certificate}' and '{key}' are not a certificate and its private key in PEM: {exception.Message}", exception);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "read", File.Exists(certificate) ? key : certificate);
        }
    }
}
