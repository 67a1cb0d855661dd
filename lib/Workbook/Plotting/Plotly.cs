using System.Reflection;
using System.Runtime.Loader;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>
/// Calls ClipNotebooks.Plots, which is loaded with Plotly.NET and all that it needs into a load context of its own, since script hosts
/// bring another FSharp.Core. Only strings and arrays cross between the contexts. Loaded at the first use.
/// </summary>
public static class Plotly
{
    private const string AssemblyName = "ClipNotebooks.Plots";

    private static readonly Lazy<Assembly> Plots = new(Load);
    private static readonly Lazy<string> Script =
        new(() => (string)Plots.Value.GetType($"{AssemblyName}.PlotPage", throwOnError: true)!.GetProperty("PlotlyJavaScript")!.GetValue(
        null)!);

    /// <summary>
    /// The whole of plotly.js 2.28, 3.6 MB. A page that has it draws the plots of its views; without it they show their still form.
    /// </summary>
    /// <exception cref="FileNotFoundException">The plots library is not built.</exception>
    public static string JavaScript => Script.Value;

    internal static string HeatMap(double[][] values, string[] rows, string[] columns, string[] thumbnails, string quantity,
        ColorScale colors, bool diagonal) =>
        Call<Func<double[][], string[], string[], string[], string, string[], string[][], double, double, bool, string>>("Figures",
            "HeatMap")(values, rows, columns, thumbnails, quantity,
            colors.Colors, [.. values.Select(row => row.Select(colors.Ink).ToArray())], colors.Low, colors.High, diagonal);

    internal static string Curves(string xLabel, string yLabel, string[] names, double[][] x, double[][] y, bool logarithmic,
        double[] ticks, string[] tickTexts) =>
        Call<Func<string, string, string[], double[][], double[][], bool, double[], string[], string>>("Figures", "Curves")(xLabel, yLabel,
            names, x, y, logarithmic, ticks, tickTexts);

    internal static string Bars(string label, string[] names, double[] values, bool percent) =>
        Call<Func<string, string[], double[], bool, string>>("Figures", "Bars")(label, names, values, percent);

    internal static string Fragment(string figure, string title, string description, string still) =>
        Call<Func<string, string, string, string, string>>("PlotPage", "Fragment")(figure, title, description, still);

    private static T Call<T>(string type, string method) where T : Delegate =>
        Plots.Value.GetType($"{AssemblyName}.{type}", throwOnError: true)!.GetMethod(method)!.CreateDelegate<T>();

    private static Assembly Load()
    {
        string path = Find();
        return new Context(path).LoadFromAssemblyPath(path);
    }

    /// <summary>
    /// The path of the assembly: in plots/ beside this library, or where this library's repository builds it, under the same configuration.
    /// </summary>
    private static string Find()
    {
        string here = Path.GetDirectoryName(typeof(Plotly).Assembly.Location)!, file = AssemblyName + ".dll";
        string framework = Path.GetFileName(here), configuration = Path.GetFileName(Path.GetDirectoryName(here)) ?? "";
        List<string> places = [Path.Combine(here, "plots", file)];
        for (string? folder = here; folder is not null; folder = Path.GetDirectoryName(folder))
            if (Directory.Exists(Path.Combine(folder, "lib", "Plots"))) places.Add(
                Path.Combine(folder, "lib", "Plots", "bin", configuration, framework, file));
        return places.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"The plots library is not built: {file} was looked for in " +
                $"{string.Join(" and ", places.Select(Path.GetDirectoryName))}. Build it: dotnet build -c Release", file);
    }

    private sealed class Context(string path) : AssemblyLoadContext(AssemblyName)
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            _resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
    }
}
