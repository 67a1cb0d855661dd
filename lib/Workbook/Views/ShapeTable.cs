using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>The shape of the data after each step.</summary>
public sealed class ShapeTable : View
{
    private readonly List<string[]> _rows;

    /// <summary>Copies shapes and dtypes; the tensors stay the caller's.</summary>
    /// <param name="steps">What goes in, what is done with it, and what comes out.</param>
    public ShapeTable(IReadOnlyList<(string Input, string Step, Tensor Output)> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        _rows = [.. steps.Select(s => new[] { s.Input, s.Step, $"({string.Join(", ", s.Output.shape)})",
            s.Output.dtype.ToString().ToLowerInvariant() })];
    }

    /// <inheritdoc/>
    public override string ToHtml() => Markup.Scrolling("<table style=\"width:auto\"><tr>"
        + string.Concat(Lesson.In<string[]>(["from", "through", "shape", "dtype"], ["무엇이", "거치는 것", "모양", "dtype"])
            .Select(head => $"<th>{head}</th>")) + "</tr>"
        + string.Concat(_rows.Select(row => "<tr>" + string.Concat(row.Select((cell, k) => $"<td " +
            $"style=\"text-align:left{(k == 2 ? ";white-space:nowrap" : "")}\">{Markup.Escape(cell)}</td>")) + "</tr>")) + "</table>");

    /// <inheritdoc/>
    public override string ToText()
    {
        int[] widths = [.. Enumerable.Range(0, 4).Select(k => _rows.Max(row => row[k].Length))];
        return string.Join(Environment.NewLine, _rows.Select(row => $"{row[0].PadRight(widths[0])} → {row[1].PadRight(widths[1])} → " +
            $"{row[2].PadRight(widths[2])} {row[3]}"));
    }
}
