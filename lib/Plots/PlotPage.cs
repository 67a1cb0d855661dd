using System.Net;
using System.Reflection;

namespace ClipNotebooks.Plots;

/// <summary>Puts a plot into HTML, as a fragment for a page that includes plotly.js once. Nothing is loaded from a network.</summary>
internal static class PlotPage
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

    private static string Read(Assembly assembly, string name)
    {
        string full = assembly.GetManifestResourceNames().FirstOrDefault(resource => resource.EndsWith(name, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"{assembly.GetName().Name} does not carry {name}.");
        using var reader = new StreamReader(assembly.GetManifestResourceStream(full)!);
        return reader.ReadToEnd();
    }
}
