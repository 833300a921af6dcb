using System.Text.Json.Nodes;
using DiPaCo.Serving.Http;
using DiPaCo.Serving.Tests.Http;
using PuppeteerSharp;
using PuppeteerSharp.Input;
using Xunit;

namespace DiPaCo.Serving.Tests.Page;

[Collection(nameof(ServedRunTests))]
public sealed class PageTests(ServedRun served, Chromium chromium) : IClassFixture<Chromium>
{
    private const string Prompt = "The <b>old</b> mill";

    [Fact]
    public async Task TheRouterAndAPathWriteSideBySideWhatTheApiGives()
    {
        await using Visitor visitor = await chromium.VisitAsync(served.Host.Address);
        await visitor.ChooseAsync(served.Model, $"{served.Model}:path-1");
        await visitor.TypeAsync("tokens", "20");
        await visitor.TypeAsync("seed", "7");
        await visitor.TypeAsync("prompt", Prompt);

        Assert.Equal("Done.", await visitor.WriteAsync());

        JsonNode routed = await CompleteAsync(served.Model), path = await CompleteAsync($"{served.Model}:path-1");
        Assert.Equal([TextOf(routed), TextOf(path)], await visitor.TextsAsync());
        Assert.Equal([$"The router's choice: {NameOf(routed)}", NameOf(path)], await visitor.TitlesAsync());
        Assert.Equal([Prompt, Prompt], await visitor.AskAsync<string[]>("[...document.querySelectorAll('.prompt')].map(prompt => prompt.textContent)"));
        Assert.All(await visitor.EndsAsync(), end => Assert.Matches(@"^\d+ tokens in [\d.]+ s, ended by (itself|the limit of tokens); seed 7\.$", end));
        string[] ranked = [.. routed["dipaco"]!["scores"]!.AsArray().Select((score, at) => (Score: score!.GetValue<double>(), at)).OrderByDescending(one => one.Score).Select(one => $"path {one.at}")];
        Assert.Equal(ranked, await visitor.AskAsync<string[]>("[...document.querySelectorAll('.scores li span:first-child')].map(path => path.textContent)"));
        Assert.NotEqual("rgba(0, 0, 0, 0)", await visitor.AskAsync<string>("getComputedStyle(document.querySelector('.part')).backgroundColor"));
        Assert.Equal((bool[])[false, true], await visitor.AskAsync<bool[]>("[...document.querySelectorAll('.scores')].map(scores => scores.hidden)"));
        visitor.AssertContent();

        await visitor.Tab.ClickAsync("article:nth-child(2) .on");
        Assert.Equal(Prompt + TextOf(path), await visitor.AskAsync<string>("document.querySelector('#prompt').value"));
    }

    [Fact]
    public async Task ARerouteIsShownWhereItHappens()
    {
        await using Visitor visitor = await chromium.VisitAsync(served.Host.Address);
        await visitor.ChooseAsync(served.Model);
        await visitor.TypeAsync("tokens", "36");
        await visitor.TypeAsync("window", "2");
        int marks = 0;
        for (int seed = 0; seed < 5; seed++)
        {
            await visitor.TypeAsync("seed", $"{seed}");
            await visitor.TypeAsync("prompt", "The mill");
            Assert.Equal("Done.", await visitor.WriteAsync());
            List<JsonNode> events = await served.StreamAsync("/v1/completions", new
            {
                prompt = "The mill", max_tokens = 36, seed, temperature = 0.8, top_p = 0.95, stream = true, dipaco = new { reroute = new { window = 2, router = "prefix" } },
            });
            string[] expected = [.. PiecesOf(events)];
            marks += expected.Count(piece => piece.StartsWith("path ", StringComparison.Ordinal));
            Assert.Equal(expected, await visitor.AskAsync<string[]>("[...document.querySelectorAll('.text > :not(.prompt)')].map(piece => piece.textContent)"));
        }

        Assert.True(marks > 0, "No text was re-routed, so the test shows nothing.");
        visitor.AssertContent();
    }

    [Fact]
    public async Task EscapeStopsTheTextWhereItIs()
    {
        await using Visitor visitor = await chromium.VisitAsync(served.Host.Address);
        string whole = TextOf(await CompleteAsync($"{served.Model}:path-2", tokens: 28, seed: 2));
        await visitor.ChooseAsync($"{served.Model}:path-2", $"{served.Model}:path-3");
        await visitor.TypeAsync("tokens", "28");
        await visitor.TypeAsync("seed", "2");
        await visitor.TypeAsync("prompt", Prompt);

        // A slow line: some events have come, and the rest is on its way.
        await visitor.Tab.EmulateNetworkConditionsAsync(new NetworkConditions { Download = 2_000, Upload = 1e6, Latency = 0 });
        await visitor.PressWriteAsync();
        await visitor.UntilAsync("[...document.querySelectorAll('article')].length === 2 && [...document.querySelectorAll('article')].every(column => column.querySelector('.part'))");
        Assert.Equal("Writing…", await visitor.StatusAsync());
        await visitor.Tab.Keyboard.PressAsync(Key.Escape);
        await visitor.UntilAsync("document.querySelector('#stop').disabled");

        Assert.Equal("Stopped.", await visitor.StatusAsync());
        Assert.All(await visitor.EndsAsync(), end => Assert.Equal("Stopped; seed 2.", end));
        string written = (await visitor.TextsAsync())[0];
        Assert.StartsWith(written, whole, StringComparison.Ordinal);
        Assert.InRange(written.Length, 1, whole.Length - 1);

        await visitor.Tab.EmulateNetworkConditionsAsync(null);
        Assert.Equal("Done.", await visitor.WriteAsync());
        Assert.Equal(whole, (await visitor.TextsAsync())[0]);
        visitor.AssertContent();
    }

    [Fact]
    public async Task WhatTheServerRefusesIsSaidInWords()
    {
        await using Visitor visitor = await chromium.VisitAsync(served.Host.Address);
        await visitor.ChooseAsync($"{served.Model}:path-0", served.Model);
        await visitor.TypeAsync("prompt", string.Join(' ', Enumerable.Repeat("mill", 60)));
        Assert.Equal("2 of 2 failed.", await visitor.WriteAsync());
        Assert.All(await visitor.EndsAsync(), end => Assert.Contains("this model takes at most 48", end, StringComparison.Ordinal));
        visitor.AssertNoRequestElsewhere();

        await visitor.ChooseAsync();
        Assert.Equal("Choose who writes: the router, or paths.", await visitor.WriteAsync());
    }

    [Fact]
    public async Task AServerThatHasGoneIsSaidInWords()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder);
        await using Visitor visitor = await chromium.VisitAsync(own.Host.Address);
        await own.Host.DisposeAsync();
        await visitor.TypeAsync("prompt", Prompt);
        Assert.Equal("1 of 1 failed.", await visitor.WriteAsync());
        Assert.Equal(["The server cannot be reached. Is it still running?"], await visitor.EndsAsync());
    }

    [Fact]
    public async Task AServerWithKeysIsAskedWithTheOneThatWasTyped()
    {
        string file = served.Run.NewPath();
        string key = ApiKeys.Create(file, "alice");
        await using ServedRun own = await ServedRun.OfFolderAsync(served.Run.Folder, options => options with { KeyFile = file });
        await using Visitor visitor = await chromium.VisitAsync(own.Host.Address);
        Assert.Contains("asks for a key", await visitor.StatusAsync(), StringComparison.Ordinal);
        Assert.False(await visitor.AskAsync<bool>("document.querySelector('#keyrow').hidden"));

        await visitor.TypeAsync("key", key);
        await visitor.Tab.Keyboard.PressAsync(Key.Tab);
        await visitor.UntilAsync("document.querySelector('#writers input')");
        await visitor.TypeAsync("prompt", Prompt);
        Assert.Equal("Done.", await visitor.WriteAsync());
        Assert.NotEmpty(Assert.Single(await visitor.TextsAsync()));
        visitor.AssertNoRequestElsewhere();
    }

    [Theory]
    [InlineData("light", 360)]
    [InlineData("dark", 360)]
    [InlineData("light", 1280)]
    [InlineData("dark", 1280)]
    public async Task ItFitsTheScreenAndCanBeReadAndNamed(string scheme, int width)
    {
        await using Visitor visitor = await chromium.VisitAsync(served.Host.Address);
        await visitor.Tab.SetViewportAsync(new ViewPortOptions { Width = width, Height = 900 });
        await visitor.Tab.EmulateMediaFeaturesAsync([new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme }]);
        await visitor.ChooseAsync(served.Model, $"{served.Model}:path-1", $"{served.Model}:path-2");
        await visitor.TypeAsync("seed", "3");
        await visitor.TypeAsync("window", "2");
        await visitor.TypeAsync("prompt", "The mill");
        await visitor.TypeAsync("tokens", "30");
        Assert.Equal("Done.", await visitor.WriteAsync());
        await visitor.AskAsync<object>("document.querySelectorAll('details').forEach(one => one.open = true)");

        Assert.True(await visitor.AskAsync<int>("document.documentElement.scrollWidth") <= width, "The page is wider than the screen.");
        Assert.Empty(await visitor.AskAsync<string[]>(
            "[...document.querySelectorAll('input, select, textarea, button')].filter(one => !(one.labels?.length || one.textContent.trim())).map(one => one.outerHTML)"));
        Assert.Empty(await visitor.AskAsync<string[]>(PoorContrast));
        visitor.AssertContent();
        if (Environment.GetEnvironmentVariable("DIPACO_TEST_PICTURES") is { Length: > 0 } folder)
        {
            await visitor.Tab.ScreenshotAsync(Path.Combine(folder, $"page-{scheme}-{width}.png"), new ScreenshotOptions { FullPage = true });
        }
    }

    [Fact]
    public async Task ThePageAllowsNothingButItsOwnFiles()
    {
        foreach (string file in (string[])["/", "/page.css", "/page.js"])
        {
            using HttpResponseMessage response = await served.Client.GetAsync(file, TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, file);
            string policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        }
    }

    /// <summary>Texts whose contrast against what is behind them is below 4.5, as WCAG counts it.</summary>
    private const string PoorContrast = """
        (() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
          const light = color => rgba(color).slice(0, 3).map(one => one / 255).map(one => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4)
            .reduce((sum, one, at) => sum + one * [.2126, .7152, .0722][at], 0);
          const behind = one => { while (one && rgba(getComputedStyle(one).backgroundColor)[3] === 0) one = one.parentElement; return getComputedStyle(one ?? document.documentElement).backgroundColor; };
          return [...document.querySelectorAll("body *")].filter(one => one.checkVisibility() && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
            .filter(one => !one.disabled).map(one => {
              const [low, high] = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => a - b);
              return [(high + .05) / (low + .05), `${one.tagName}.${one.className} "${one.textContent.slice(0, 20)}"`];
            }).filter(([contrast]) => contrast < 4.5).map(([contrast, name]) => `${name}: ${contrast.toFixed(2)}`);
        })()
        """;

    private static string TextOf(JsonNode answer) => answer["choices"]![0]!["text"]!.GetValue<string>();

    private static string NameOf(JsonNode answer) =>
        $"path {answer["dipaco"]!["path"]} (experts {string.Join(", ", answer["dipaco"]!["experts"]!.AsArray().Select(expert => expert!.ToString()))})";

    /// <summary>Texts under one path each, and the marks between them, in the order of the stream.</summary>
    private static List<string> PiecesOf(List<JsonNode> events)
    {
        List<string> pieces = [];
        bool joins = false;
        int known = 0;
        foreach (JsonNode one in events)
        {
            JsonArray reroutes = one["dipaco"]?["reroutes"]?.AsArray() ?? [];
            for (; known < reroutes.Count; known++)
            {
                pieces.Add($"path {reroutes[known]!["from"]} → {reroutes[known]!["to"]}");
                joins = false;
            }

            string text = one["choices"]![0]!["text"]!.GetValue<string>();
            if (text.Length > 0)
            {
                if (joins)
                {
                    pieces[^1] += text;
                }
                else
                {
                    pieces.Add(text);
                }

                joins = true;
            }
        }

        return pieces;
    }

    private Task<JsonNode> CompleteAsync(string model, int tokens = 20, int seed = 7) =>
        served.PostAsync("/v1/completions", new { model, prompt = Prompt, max_tokens = tokens, seed, temperature = 0.8, top_p = 0.95 });
}
