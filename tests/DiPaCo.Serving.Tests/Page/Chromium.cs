using PuppeteerSharp;
using Xunit;

namespace DiPaCo.Serving.Tests.Page;

/// <summary>A headless Chromium, if one is installed; none is ever downloaded.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private readonly string _profile = Directory.CreateTempSubdirectory("dipaco-chromium-").FullName;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (Find() is { } program)
        {
            _browser = await Puppeteer.LaunchAsync(new LaunchOptions
            {
                ExecutablePath = program,
                Headless = true,
                UserDataDir = _profile,

                // The sandbox does not work for root, who runs the tests in containers; the only page is our own.
                Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
            });
        }
    }

    /// <summary>A visitor with a tab of his own.</summary>
    public async Task<Visitor> VisitAsync(Uri address)
    {
        Assert.SkipWhen(_browser is null, "Chromium is not installed (apt-get install chromium), or name one in DIPACO_TEST_CHROMIUM.");
        Visitor visitor = new(await _browser.NewPageAsync(), address);
        await visitor.OpenAsync();
        return visitor;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        Directory.Delete(_profile, recursive: true);
    }

    private static string? Find() => Environment.GetEnvironmentVariable("DIPACO_TEST_CHROMIUM") is { Length: > 0 } named ? named : (
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        from name in (string[])["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        let path = Path.Combine(folder, name)
        where File.Exists(path)
        select path).FirstOrDefault();
}
