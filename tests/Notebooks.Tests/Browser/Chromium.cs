using Microsoft.Playwright;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>The machine's own Chromium, without a window; started once for all tests, never downloaded.</summary>
public sealed class Chromium : IAsyncLifetime
{
    // The shell without a window's own pages takes half the time.
    private static readonly string[] Names =
        ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "microsoft-edge"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    private static string? Program { get; } = Names.SelectMany(name =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, name + (OperatingSystem.IsWindows() ? ".exe" : "")))).FirstOrDefault(File.Exists);

    internal static void Need() => Assert.SkipWhen(Program is null, $"There is no browser on the PATH ({string.Join(", ", Names)}). On " +
        $"Debian: apt-get install chromium-headless-shell.");

    public async ValueTask InitializeAsync()
    {
        if (Program is null)
            return;
        _playwright = await Playwright.CreateAsync();
        // Lessons run at the same time, and take both cores of a small machine.
        Assertions.SetDefaultExpectTimeout(40_000);
        // What Chromium asks of its maker's servers in the background has no place in a test. Chromium refuses its sandbox to root.
        string[] quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync"];
        _browser = await _playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = Program, Headless = true, ChromiumSandbox = Environment.UserName != "root", Args = quiet });
    }

    /// <summary>A page of a profile of its own, which notes what goes wrong in it.</summary>
    internal async Task<Visit> OpenAsync(Uri address, int width = 1280, ColorScheme theme = ColorScheme.Light)
    {
        IBrowserContext context = await _browser!.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = 900 },
            ColorScheme = theme,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(90_000);
        Visit visit = new(context, await context.NewPageAsync(), new Uri(address, "."));
        await visit.Page.GotoAsync(address.AbsoluteUri);
        return visit;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
