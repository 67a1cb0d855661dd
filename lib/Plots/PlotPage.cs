using System.Net;
using System.Reflection;

namespace ClipNotebooks.Plots;

/// <summary>
/// Puts a plot into HTML: a fragment for a page that includes plotly.js once, or a page of its own. Nothing is loaded from a network.
/// </summary>
public static class PlotPage
{
    private const string Library = "plotly-2.28.0.min.js";
    private static readonly Lazy<string> Script = new(() => Read(typeof(PlotPage).Assembly, "plot.js"));
    private static readonly Lazy<string> PlotlyScript = new(() => Read(typeof(Plotly.NET.GenericChart).Assembly, Library));

    /// <summary>
    /// plotly.js 2.28, as Plotly.NET carries it. It defines the global <c>Plotly</c>, in pages with a module loader (define, exports) too.
    /// </summary>
    public static string PlotlyJavaScript => $"(function (define, exports, module) {{\n{PlotlyScript.Value}\n}}).call(window);\n";

    private const string Heading = "font-weight:600;margin:0 0 0.4em;position:sticky;left:0";

    /// <summary>A plot as part of a page: a static form, which plotly.js replaces as soon as the page has loaded it.</summary>
    /// <param name="figure">JSON of <see cref="Figures"/>.</param>
    /// <param name="title">The heading, plain text; empty for none.</param>
    /// <param name="description">A description of the plot for a screen reader; plain text.</param>
    /// <param name="still">Markup to show until plotly.js draws, or if it does not.</param>
    /// <returns>HTML.</returns>
    public static string Fragment(string figure, string title, string description, string still) => $"""
        <figure class="clip-plot" data-plot="{WebUtility.HtmlEncode(figure)}" style="margin:0.5em 0;overflow-x:auto">
        {(string.IsNullOrEmpty(title) ? "" : $"<figcaption style=\"{Heading}\">{WebUtility.HtmlEncode(title)}</figcaption>")}
        <div class="clip-plot-still" role="img" aria-label="{WebUtility.HtmlEncode(description)}">{still}</div>
        </figure>
        <script>
        {Script.Value}</script>
        """;

    /// <summary>A plot as a page of its own, which carries plotly.js.</summary>
    /// <param name="figure">JSON of <see cref="Figures"/>.</param>
    /// <param name="title">The heading and the page's title, plain text.</param>
    /// <param name="description">A description of the plot for a screen reader; plain text.</param>
    /// <param name="still">Markup to show until plotly.js draws, or if it does not.</param>
    /// <param name="language">Of title and description, such as "en".</param>
    /// <returns>HTML.</returns>
    public static string Page(string figure, string title, string description, string still, string language) => $$"""
        <!DOCTYPE html>
        <html lang="{{WebUtility.HtmlEncode(language)}}">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>{{WebUtility.HtmlEncode(title)}}</title>
        <style>
        :root { color-scheme: light dark; }
        body { margin: 1.5rem; background: #fff; color: #1d2329; }
        body { font: 16px/1.5 Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        @media (prefers-color-scheme: dark) { body { background: #14181d; color: #e3e8ed; } }
        .clip-plot figcaption { font-size: 1.3rem; }
        </style>
        <script>
        {{PlotlyJavaScript}}</script>
        </head>
        <body>
        {{Fragment(figure, title, description, still)}}
        </body>
        </html>

        """;

    private static string Read(Assembly assembly, string name)
    {
        string full = assembly.GetManifestResourceNames().FirstOrDefault(resource => resource.EndsWith(name, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"{assembly.GetName().Name} does not carry {name}.");
        using var reader = new StreamReader(assembly.GetManifestResourceStream(full)!);
        return reader.ReadToEnd();
    }
}
