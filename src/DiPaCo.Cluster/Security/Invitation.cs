using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>
/// Everything that a worker needs to join, in one string: where the silos are, the fingerprint of their certificate, and a token. The fingerprint
/// makes a self-signed certificate as good as any: the worker talks to nobody else.
/// </summary>
/// <param name="Addresses">Addresses of silos, for example <c>https://10.0.0.7:7420</c>.</param>
/// <param name="Certificate">SHA-256 of the certificate, 64 hexadecimal digits; empty: the system's authorities decide.</param>
/// <param name="Token">The token. Never logged.</param>
public sealed record Invitation(ImmutableArray<Uri> Addresses, string Certificate, string Token)
{
    private const string Prefix = "dipaco1.";
    private const int MostCharacters = 4096;

    /// <summary>The string.</summary>
    public string Write() => Prefix + Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(
        new Content([.. Addresses.Select(address => address.ToString())], Certificate, Token)));

    /// <summary>Reads the string.</summary>
    /// <exception cref="DiPaCoException">It is no invitation; what it holds is not told, because a token may be in it.</exception>
    public static Invitation Read(string text)
    {
        text = text.Trim();
        if (text.Length > MostCharacters || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            throw Bad($"it has {text.Length} characters and does not begin with '{Prefix}'");
        }

        Content? content;
        try
        {
            content = JsonSerializer.Deserialize<Content>(Base64Url.DecodeFromChars(text.AsSpan(Prefix.Length)));
        }
        catch (Exception exception) when (exception is FormatException or JsonException or DecoderFallbackException)
        {
            throw Bad("a part of it is missing or changed");
        }

        if (content?.Addresses is not { Length: > 0 } || string.IsNullOrEmpty(content.Token)
            || (!string.IsNullOrEmpty(content.Certificate) && !BlobHash.TryParse(content.Certificate, out _)))
        {
            throw Bad("a part of it is missing");
        }

        return new Invitation([.. content.Addresses.Select(Address)], content.Certificate ?? "", content.Token);
    }

    /// <summary>Where to; without the token.</summary>
    public override string ToString() => string.Join(", ", Addresses);

    private static Uri Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp)
            ? address
            : throw Bad("an address in it is none");

    private static DiPaCoException Bad(string why) => new(
        $"This is not an invitation ({why}). 'dipaco token create RUN' on the machine that trains prints one: a single word, to be copied as a whole.");

    private sealed record Content(string[] Addresses, string Certificate, string Token);
}
