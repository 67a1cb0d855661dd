using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>
/// A page that is open, and what went wrong since: errors on the console and in scripts, dialogs, requests that left the folder of the
/// page.
/// </summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _problems = [];

    internal Visit(IBrowserContext context, IPage page, Uri home)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                Note($"console: {message.Text}");
        };
        page.PageError += (_, error) => Note($"error: {error}");
        page.Dialog += (_, dialog) =>
        {
            Note($"dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.RequestFailed += (_, request) => Note($"failed: {request.Url}");
        context.Request += (_, request) =>
        {
            if (!home.IsBaseOf(new Uri(request.Url)) && !request.Url.StartsWith("data:", StringComparison.Ordinal)
                && !request.Url.StartsWith("blob:" + home, StringComparison.Ordinal))
                Note($"left {home}: {request.Url}");
        };
    }

    internal IPage Page { get; }

    internal IReadOnlyList<string> Problems
    {
        get
        {
            lock (_problems)
                return [.. _problems];
        }
    }

    /// <summary>Waits until every plot of the page has been drawn by plotly.js.</summary>
    internal async Task<IReadOnlyList<ILocator>> PlotsAsync()
    {
        await Page.WaitForFunctionAsync("[...document.querySelectorAll('.clip-plot')].every(figure => " +
            "figure.querySelector('.js-plotly-plot .main-svg') && figure.querySelector('.clip-plot-still').style.display === 'none')");
        return await Page.Locator(".clip-plot .js-plotly-plot").AllAsync();
    }

    /// <summary>What axe finds against its rules, a line each; of a second theme its colours alone, for nothing else changes.</summary>
    internal async Task<IReadOnlyList<string>> AxeAsync(bool coloursAlone = false)
    {
        AxeRunOptions options = new() { ResultTypes = [ResultType.Violations] };
        if (coloursAlone)
            options.RunOnly = new() { Type = "rule", Values = ["color-contrast"] };
        // What plotly.js draws is inside an image with a name, which is looked at; its thousands of marks would take most of the time.
        AxeRunContext page = new() { Exclude = [new AxeSelector(".main-svg")] };
        AxeResult result = await Page.RunAxe(page, options);
        return [.. result.Violations.SelectMany(rule => rule.Nodes.Take(4).Select(node =>
            $"{rule.Id} ({rule.Nodes.Length}): {node.Target}: {First(node)?.Message}\n  {node.Html}"))];

        static AxeResultCheck? First(AxeResultNode node) => node.Any.Concat(node.All).Concat(node.None).FirstOrDefault();
    }

    internal Task UnfoldAsync() => Page.EvaluateAsync("document.querySelectorAll('details').forEach(solution => solution.open = true)");

    private void Note(string problem)
    {
        lock (_problems)
            _problems.Add(problem);
    }

    public ValueTask DisposeAsync() => new(_context.CloseAsync());
}
