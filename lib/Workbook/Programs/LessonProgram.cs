using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Workbook.Plotting;
using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Programs;

/// <summary>
/// What a lesson needs when no notebook runs it, as in the programs of `clipbook export --to cs`. <c>display(x)</c> and <c>x.Display()</c>
/// write to the console, and <c>HTML("…")</c> makes markup to show; every view is also written as a page (a matrix as a PNG too) into the
/// folder <c>pictures</c> beside the program. No setting is changed before <see cref="Begin"/>.
/// </summary>
[SuppressMessage("Naming", "CA1708", Justification = "The editors have both display(x) and x.Display().")]
public static class LessonProgram
{
    private const string PlotLibrary = "plotly.min.js";
    private static string _pictures = "", _name = "lesson", _cell = "";
    private static int _shown;

    /// <summary>Begins a lesson: paths start from the lesson's folder, as in an editor, and views are shown by this class.</summary>
    /// <param name="lessons">The lesson's folder, relative to the program's.</param>
    /// <param name="program">The program's file; the compiler fills it in.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder: the program was moved.</exception>
    public static void Begin(string lessons, [CallerFilePath] string program = "")
    {
        string here = Path.GetDirectoryName(program) ?? "";
        string folder = Path.GetFullPath(Path.Combine(here, lessons));
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{program} was written for another folder: there are no lessons in {folder}. Export it " +
                $"again: clipbook export --to cs");
        Environment.CurrentDirectory = folder;
        Console.OutputEncoding = Encoding.UTF8;
        (_pictures, _name, _cell, _shown) = (Path.Combine(here, "pictures"), Path.GetFileNameWithoutExtension(program), "", 0);
        AppContext.SetData("ClipNotebooks.Display", (Func<object?, Action<object?>>)(value => Show(value).Update));
    }

    /// <summary>Says which cell the views that follow belong to.</summary>
    /// <param name="number">The cell's number in the lesson, from 1.</param>
    public static void Cell(int number) => (_cell, _shown) = (string.Create(CultureInfo.InvariantCulture, $".cell-{number:00}"), 0);

    /// <summary>Shows a value.</summary>
    /// <param name="value">A view, markup, or anything with a text form.</param>
    [SuppressMessage("Style", "IDE1006", Justification = "The editors' name.")]
    public static Shown display(object? value) => Show(value);

    /// <summary>Shows a value.</summary>
    /// <param name="value">A view, markup, or anything with a text form.</param>
    public static Shown Display(this object? value) => Show(value);

    /// <summary>Markup to show as it is.</summary>
    /// <param name="markup">An HTML fragment.</param>
    public static IView HTML(string markup) => new Markup(markup);

    /// <summary>The text form of a value, the same in every culture.</summary>
    internal static string Text(object? value) => value switch
    {
        null => "<null>",
        IView view => view.ToText(),
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable values when value.GetType().GetMethod("ToString", [])!.DeclaringType == typeof(object) || value is Array =>
            $"[{string.Join(", ", values.Cast<object?>().Select(Text))}]",
        _ => value.ToString() ?? "",
    };

    private static Shown Show(object? value)
    {
        Shown shown = new(value is IView ? $"{_name}{_cell}-{++_shown}" : "");
        shown.Update(value);
        return shown;
    }

    private static void Save(IView view, string name)
    {
        Directory.CreateDirectory(_pictures);
        string html = view.ToHtml(), library = Path.Combine(_pictures, PlotLibrary), page = Path.Combine(_pictures, name + ".html");
        bool plots = html.Contains("class=\"clip-plot\"", StringComparison.Ordinal);
        if (plots && !File.Exists(library)) AtomicFile.Write(library, Plotly.JavaScript);
        AtomicFile.Write(page, Views.Markup.Page(name, "", plots ? $"<script src=\"{PlotLibrary}\"></script>" : "", html));
        (view as MatrixView)?.SavePng(Path.ChangeExtension(page, ".png"));
        Console.WriteLine($"[pictures/{name}.html]");
    }

    /// <summary>
    /// A value that is shown, until <see cref="Update"/> replaces it: the console then gets another text, and the page is written again.
    /// </summary>
    public sealed class Shown
    {
        private readonly string _page;

        internal Shown(string page) => _page = page;

        /// <summary>Shows another value.</summary>
        /// <param name="value">A view, markup, or anything with a text form.</param>
        public void Update(object? value)
        {
            Console.WriteLine(Text(value));
            if (value is IView view && _page.Length > 0) Save(view, _page);
        }
    }

    private sealed class Markup(string markup) : IView
    {
        public string ToHtml() => markup;

        public string ToText() => markup;
    }
}
