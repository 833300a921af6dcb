using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>GET /</c>: a page for trying prompts side by side on several paths. It loads nothing from elsewhere.</summary>
internal static class PageEndpoint
{
    private const string Resources = "DiPaCo.Serving.Http.Page.";

    /// <summary>Nothing but the page's own script and style, and requests to this server; texts of the model can never become markup or scripts.</summary>
    private const string Policy =
        "default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self'; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly FrozenDictionary<string, (string Type, byte[] Bytes)> Files = new Dictionary<string, (string, byte[])>
    {
        ["/"] = ("text/html; charset=utf-8", Read("index.html")),
        ["/page.css"] = ("text/css; charset=utf-8", Read("page.css")),
        ["/page.js"] = ("text/javascript; charset=utf-8", Read("page.js")),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Where the page and what belongs to it are.</summary>
    public static IEnumerable<string> Paths => Files.Keys;

    /// <summary>Whether a path is the page's: it asks for a key itself.</summary>
    public static bool Owns(PathString path) => Files.ContainsKey(path.Value ?? "");

    /// <summary>Sends the page, or what belongs to it.</summary>
    public static async Task HandleAsync(HttpContext context)
    {
        (string type, byte[] bytes) = Files[context.Request.Path.Value!];
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private static byte[] Read(string name)
    {
        using Stream stream = typeof(PageEndpoint).Assembly.GetManifestResourceStream(Resources + name)!;
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
