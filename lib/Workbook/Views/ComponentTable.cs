using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>What a model is made of: each component with its class, the shapes that go in and come out, and its parameters.</summary>
public sealed class ComponentTable : View
{
    private static string[] Heads => Lesson.In<string[]>(
        ["component", "class", "input", "output", "parameters"], ["부분", "클래스", "입력", "출력", "매개변수"]);

    private readonly string _title;
    private readonly List<string[]> _rows;

    /// <summary>Copies the shapes; the tensors stay the caller's. Tensors of the meta device are enough.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="components">
    /// Each with its class, what goes in (one tensor or several), what comes out, and the number of its parameters. At least one.
    /// </param>
    /// <exception cref="ArgumentException">There is no component.</exception>
    public ComponentTable(
        string title, IReadOnlyList<(string Component, string Class, Tensor[] Input, Tensor Output, long Parameters)> components)
    {
        ArgumentNullException.ThrowIfNull(components);
        if (components.Count == 0) throw new ArgumentException($"\"{title}\" has no component to show.", nameof(components));
        _title = title ?? "";
        Parameters = components.Sum(component => component.Parameters);
        _rows = [.. components.Select(c => new[]
        {
            c.Component, c.Class, string.Join(Lesson.In(" and ", ", "), c.Input.Select(Shape)), Shape(c.Output), Count(c.Parameters),
        })];
    }

    /// <summary>The number of parameters of all components.</summary>
    public long Parameters { get; }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        var html = new StringBuilder($"<table style=\"width:auto\"><caption " +
            $"style=\"text-align:left;caption-side:top;color:inherit;font-weight:600;padding:0 0 " +
            $"0.4em\">{Markup.Escape(_title)}</caption><tr>");
        foreach (var (i, head) in Heads.Index()) html.Append($"<th scope=\"col\" style=\"text-align:{Align(i)}\">{head}</th>");
        foreach (string[] row in _rows)
        {
            html.Append($"</tr><tr><th scope=\"row\" " +
                $"style=\"text-align:left;color:inherit;white-space:nowrap\">{Markup.Escape(row[0])}</th>");
            foreach (var (i, cell) in row.Index().Skip(1)) html.Append($"<td " +
                $"style=\"text-align:{Align(i)};white-space:nowrap\">{Markup.Escape(cell)}</td>");
        }
        html.Append($"</tr><tr><th scope=\"row\" colspan=\"4\" style=\"text-align:left;color:inherit\">{All}</th>")
            .Append($"<td style=\"text-align:right\">{Count(Parameters)}</td></tr></table>");
        return Markup.Scrolling(html.ToString());
    }

    /// <inheritdoc/>
    public override string ToText() => _title + Environment.NewLine
        + Markup.Columns([Heads, .. _rows, [All, "", "", "", Count(Parameters)]], rightFrom: 4);

    private static string All => Lesson.In("all together", "합계");

    private static string Align(int column) => column == Heads.Length - 1 ? "right" : "left";

    private static string Shape(Tensor tensor) => tensor.dim() == 0 ? Lesson.In("scalar", "스칼라") : $"({string.Join(", ", tensor.shape)})";

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
