using System.Collections.Concurrent;
using PuppeteerSharp;
using PuppeteerSharp.Input;
using Xunit;

namespace DiPaCo.Serving.Tests.Page;

/// <summary>Who looks at the page: types, presses keys, and notices everything that a browser would complain about.</summary>
public sealed class Visitor : IAsyncDisposable
{
    private readonly Uri _address;
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentQueue<string> _requests = new();

    internal Visitor(IPage page, Uri address)
    {
        Tab = page;
        _address = address;
        page.Console += (_, said) => Note(said.Message.Type is ConsoleType.Error or ConsoleType.Warning, $"{said.Message.Type}: {said.Message.Text}");
        page.PageError += (_, error) => Note(true, $"page error: {error.Message}");
        page.Request += (_, sent) => _requests.Enqueue(sent.Request.Url);
    }

    /// <summary>The tab.</summary>
    public IPage Tab { get; }

    /// <summary>What went wrong as the browser sees it.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>Opens the page and waits for its models.</summary>
    public async Task OpenAsync()
    {
        await Tab.GoToAsync(_address.ToString());
        await UntilAsync("document.querySelector('#writers input') || document.querySelector('#status').textContent");
    }

    /// <summary>Chooses who writes, and nobody else.</summary>
    public Task ChooseAsync(params string[] models) => Tab.EvaluateFunctionAsync(
        "models => { for (const box of document.querySelectorAll('#writers input')) if (box.checked !== models.includes(box.value)) box.click(); }", (object)models);

    /// <summary>Types into a field in the place of what is in it.</summary>
    public async Task TypeAsync(string field, string text)
    {
        await Tab.FocusAsync($"#{field}");
        await Tab.EvaluateFunctionAsync("id => document.getElementById(id).select()", field);
        await Tab.Keyboard.PressAsync(Key.Delete);
        await Tab.Keyboard.SendCharacterAsync(text);
    }

    /// <summary>Ctrl and Enter.</summary>
    public async Task PressWriteAsync()
    {
        await Tab.Keyboard.DownAsync(Key.Control);
        await Tab.Keyboard.PressAsync(Key.Enter);
        await Tab.Keyboard.UpAsync(Key.Control);
    }

    /// <summary>Ctrl and Enter, and the wait for all to have ended; returns what the page says then.</summary>
    public async Task<string> WriteAsync()
    {
        await Tab.EvaluateExpressionAsync("document.querySelector('#status').textContent = ''");
        await PressWriteAsync();
        await UntilAsync("document.querySelector('#stop').disabled && document.querySelector('#status').textContent");
        return await StatusAsync();
    }

    /// <summary>Waits until an expression is true.</summary>
    public Task UntilAsync(string expression) => Tab.WaitForExpressionAsync(expression);

    /// <summary>The value of an expression.</summary>
    public Task<T> AskAsync<T>(string expression) => Tab.EvaluateExpressionAsync<T>(expression);

    /// <summary>The line that says how things stand.</summary>
    public Task<string> StatusAsync() => AskAsync<string>("document.querySelector('#status').textContent");

    /// <summary>The columns' titles.</summary>
    public Task<string[]> TitlesAsync() => AskAsync<string[]>("[...document.querySelectorAll('article h2')].map(title => title.textContent)");

    /// <summary>The columns' texts, without prompts and marks.</summary>
    public Task<string[]> TextsAsync() => AskAsync<string[]>(
        "[...document.querySelectorAll('article')].map(column => [...column.querySelectorAll('.part')].map(part => part.textContent).join(''))");

    /// <summary>What stands below the columns.</summary>
    public Task<string[]> EndsAsync() => AskAsync<string[]>("[...document.querySelectorAll('.end')].map(end => end.textContent)");

    /// <summary>All is well as the browser sees it, and nothing was asked of anybody else.</summary>
    public void AssertContent()
    {
        Assert.Empty(_complaints);
        AssertNoRequestElsewhere();
    }

    /// <summary>Nothing was asked of anybody else.</summary>
    public void AssertNoRequestElsewhere()
    {
        Assert.NotEmpty(_requests);
        Assert.All(_requests, url => Assert.True(url.StartsWith(_address.ToString(), StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal), url));
    }

    public async ValueTask DisposeAsync() => await Tab.DisposeAsync();

    private void Note(bool isComplaint, string text)
    {
        if (isComplaint)
        {
            _complaints.Enqueue(text);
        }
    }
}
