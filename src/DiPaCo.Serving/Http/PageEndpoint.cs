using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary><c>GET /</c>: a page for trying prompts side by side on several paths. It loads nothing from elsewhere.</summary>
internal static class PageEndpoint
{
    private const string Resource = "DiPaCo.Serving.Http.Page.index.html";

    private static readonly byte[] Page = Read();

    /// <summary>Sends the page.</summary>
    public static async Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.Response.Body.WriteAsync(Page, context.RequestAborted);
    }

    private static byte[] Read()
    {
        using Stream stream = typeof(PageEndpoint).Assembly.GetManifestResourceStream(Resource)!;
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
