using System.Reflection;
using System.Runtime.Loader;

namespace ClipNotebooks.Workbook.Plotting;

/// <summary>
/// The front of ClipNotebooks.Plots, which is loaded with Plotly.NET and all that it needs into a context of its own: script hosts bring another FSharp.Core. Only strings and arrays
/// cross. Loaded at the first use.
/// </summary>
public static class Plotly
{
    private const string AssemblyName = "ClipNotebooks.Plots";

    private static readonly Lazy<Type> SimilarityPlot = new(() => Load().GetType("ClipNotebooks.Plots.SimilarityPlot", throwOnError: true)!);

    /// <summary>plotly.js, the whole library: 3.6 MB of text.</summary>
    /// <exception cref="FileNotFoundException">The plots library is not built.</exception>
    public static string JavaScript => (string)SimilarityPlot.Value.GetProperty("PlotlyJavaScript")!.GetValue(null)!;

    internal static string SimilarityFigure(double[][] values, string[] images, string[] imageNames, string[] captions, string title, string unit) =>
        Call<Func<double[][], string[], string[], string[], string, string, string>>("Figure")(values, images, imageNames, captions, title, unit);

    internal static string SimilarityPage(string figure, string title, string description) =>
        Call<Func<string, string, string, string>>("Page")(figure, title, description);

    private static T Call<T>(string method) where T : Delegate => SimilarityPlot.Value.GetMethod(method)!.CreateDelegate<T>();

    private static Assembly Load()
    {
        string path = Find();
        return new Context(path).LoadFromAssemblyPath(path);
    }

    /// <summary>In plots/ beside this library, or where the repository builds it, under the same configuration.</summary>
    private static string Find()
    {
        string here = Path.GetDirectoryName(typeof(Plotly).Assembly.Location)!, file = AssemblyName + ".dll";
        string framework = Path.GetFileName(here), configuration = Path.GetFileName(Path.GetDirectoryName(here)) ?? "";
        string[] places = [Path.Combine(here, "plots", file), Path.Combine(Lesson.Repository, "lib", "Plots", "bin", configuration, framework, file)];
        return places.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"The plots library is not built: {file} was looked for in {string.Join(" and ", places.Select(Path.GetDirectoryName))}. Build it: dotnet build -c Release", file);
    }

    private sealed class Context(string path) : AssemblyLoadContext(AssemblyName)
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName assemblyName) =>
            _resolver.ResolveAssemblyToPath(assemblyName) is { } found ? LoadFromAssemblyPath(found) : null;
    }
}
