using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DiPaCo.Core;
using DiPaCo.Serving.Http;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ServedRunTests))]
public sealed class TlsTests(ServedRun served)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithTlsAndKeysOtherMachinesAreServedAndNobodyWithoutThem()
    {
        string keys = served.Run.NewPath();
        string key = ApiKeys.Create(keys, "alice");
        (X509Certificate2 root, (string, string) files) = Certificates();
        await using ServingHost host = await ServedRun.StartAsync(
            served.Run.Folder, options => options with { Listen = new IPEndPoint(IPAddress.Any, 0), Certificate = files, KeyFile = keys });
        Assert.Equal(("https", 1), (host.Address.Scheme, host.Keys));
        Uri address = new($"https://127.0.0.1:{host.Address.Port}");

        // The client knows the root alone: the server has to send what lies between.
        using SocketsHttpHandler handler = new()
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { root },
                    RevocationMode = X509RevocationMode.NoCheck,
                    DisableCertificateDownloads = true,
                },
            },
        };
        using HttpClient client = new(handler) { BaseAddress = address };
        using HttpResponseMessage stranger = await client.GetAsync("/v1/models", Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        using HttpResponseMessage alice = await client.GetAsync("/v1/models", Cancellation);
        Assert.Equal(HttpStatusCode.OK, alice.StatusCode);

        using HttpClient plain = new();
        plain.DefaultRequestHeaders.Authorization = new("Bearer", key);
        await Assert.ThrowsAsync<HttpRequestException>(() => plain.GetAsync(new UriBuilder(address) { Scheme = "http", Path = "/v1/models" }.Uri, Cancellation));
        root.Dispose();
    }

    [Fact]
    public async Task TlsWithoutKeysIsNotEnoughForOtherMachines()
    {
        (X509Certificate2 root, (string, string) files) = Certificates();
        root.Dispose();
        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => ServedRun.StartAsync(
            served.Run.Folder, options => options with { Listen = new IPEndPoint(IPAddress.Any, 0), Certificate = files }));
        Assert.Contains("--keys", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACertificateThatCannotBeUsedIsNamed()
    {
        (X509Certificate2 root, (string Certificate, string Key) files) = Certificates();
        root.Dispose();
        string missing = served.Run.NewPath();
        foreach (((string, string) given, string named) in (((string, string), string)[])
        [
            ((missing, files.Key), missing),
            ((files.Certificate, missing), missing),
            ((files.Key, files.Key), files.Key),
            ((files.Certificate, Certificates().Files.Key), files.Certificate),
        ])
        {
            DiPaCoException refused = await Assert.ThrowsAnyAsync<DiPaCoException>(() => ServedRun.StartAsync(served.Run.Folder, options => options with { Certificate = given }));
            Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A root, and the files of a certificate that another one, signed by the root, vouches for.</summary>
    private (X509Certificate2 Root, (string Certificate, string Key) Files) Certificates()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var betweenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var ownKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509Certificate2 root = Authority("CN=root", rootKey).CreateSelfSigned(now.AddDays(-2), now.AddDays(30));
        using X509Certificate2 signed = Authority("CN=between", betweenKey).Create(root, now.AddDays(-2), now.AddDays(30), [1]);
        using X509Certificate2 between = signed.CopyWithPrivateKey(betweenKey);
        CertificateRequest request = new("CN=dipaco", ownKey, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 own = request.Create(between, now.AddDays(-1), now.AddDays(10), [2]);
        (string Certificate, string Key) files = (served.Run.NewPath(), served.Run.NewPath());
        File.WriteAllText(files.Certificate, $"{own.ExportCertificatePem()}\n{between.ExportCertificatePem()}\n");
        File.WriteAllText(files.Key, ownKey.ExportPkcs8PrivateKeyPem());
        return (root, files);
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        return request;
    }
}
