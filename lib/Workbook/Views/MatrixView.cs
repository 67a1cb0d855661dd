using System.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>A matrix as a heat map with its values in the cells.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource))]
public class MatrixView : IView
{
    private readonly double[][] _values;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="matrix">(rows, columns), any numeric dtype, on any device.</param>
    /// <param name="rows">A name for each row.</param>
    /// <param name="columns">A name for each column.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">The tensor is not a matrix, or the names are not as many as its rows and columns.</exception>
    public MatrixView(Tensor matrix, IReadOnlyList<string> rows, IReadOnlyList<string> columns, string title)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(columns);
        if (matrix.dim() != 2 || matrix.shape[0] != rows.Count || matrix.shape[1] != columns.Count)
            throw new ArgumentException($"\"{title}\" has {rows.Count} row names and {columns.Count} column names, but the tensor's shape is ({string.Join(", ", matrix.shape)}).", nameof(matrix));
        (Rows, Columns, Title) = (rows, columns, title);
        using var scope = NewDisposeScope();
        _values = [.. matrix.detach().cpu().to(float64).contiguous().data<double>().ToArray().Chunk(Math.Max(1, columns.Count))];
    }

    /// <summary>What is shown.</summary>
    public string Title { get; }

    /// <summary>The rows' names.</summary>
    public IReadOnlyList<string> Rows { get; }

    /// <summary>The columns' names.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <inheritdoc/>
    public string ToHtml()
    {
        var all = _values.SelectMany(row => row).Where(double.IsFinite).DefaultIfEmpty();
        var colors = new HeatColors(all.Min(), all.Max());
        var html = new StringBuilder($"<table style=\"border-collapse:separate;border-spacing:2px;width:auto\"><caption style=\"text-align:left;font-weight:600;padding-bottom:4px\">{Markup.Escape(Title)}</caption><tr><td></td>");
        foreach (string column in Columns) html.Append("<th scope=\"col\" style=\"font-weight:400;font-size:0.8em;vertical-align:bottom;text-align:center;min-width:4em;max-width:8.5em;overflow-wrap:normal\">").Append(Markup.Escape(column)).Append("</th>");
        for (int i = 0; i < Rows.Count; i++)
        {
            html.Append("</tr><tr><th scope=\"row\" style=\"font-weight:400;font-size:0.8em;text-align:right;vertical-align:middle;white-space:nowrap\">").Append(RowHead(i)).Append("</th>");
            foreach (double value in _values[i])
                html.Append("<td style=\"text-align:center;vertical-align:middle;padding:6px 8px;border:0;").Append(colors.Style(value)).Append("\">").Append(Markup.Number(value)).Append("</td>");
        }
        return Markup.Scrolling(html.Append("</tr></table>").ToString());
    }

    /// <inheritdoc/>
    public string ToText()
    {
        string[] names = [.. Rows.Select(Short)];
        int width = names.Max(n => n.Length);
        var head = string.Concat(Columns.Select(c => Short(c).PadLeft(9)[..9]));
        var lines = names.Select((name, i) => name.PadRight(width) + string.Concat(_values[i].Select(v => Markup.Number(v).PadLeft(9))));
        return string.Join(Environment.NewLine, lines.Prepend(new string(' ', width) + head).Prepend(Title));
    }

    /// <inheritdoc/>
    public override string ToString() => ToText();

    /// <summary>The markup at the head of a row; its name here.</summary>
    private protected virtual string RowHead(int row) => Markup.Escape(Rows[row]);

    private static string Short(string name) => name.Length <= 24 ? name : name[..23] + "…";
}
