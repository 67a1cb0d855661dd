using System.Text;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A matrix as a heat map with its values in the cells. Values of one sign rise from violet to yellow; where both signs occur 0 is white,
/// negative values blue and positive ones red.
/// </summary>
public class MatrixView : View
{
    private readonly double[][] _values;

    /// <summary>Copies the values; the tensor stays the caller's.</summary>
    /// <param name="matrix">(rows, columns), any numeric dtype, on any device; at least one row and one column.</param>
    /// <param name="rows">A name for each row.</param>
    /// <param name="columns">A name for each column.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">
    /// The tensor is not a matrix, or empty, or the names are not as many as its rows and columns.
    /// </exception>
    public MatrixView(Tensor matrix, IReadOnlyList<string> rows, IReadOnlyList<string> columns, string title)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(columns);
        if (matrix.dim() != 2 || matrix.shape[0] != rows.Count || matrix.shape[1] != columns.Count)
            throw new ArgumentException($"\"{title}\" has {rows.Count} row names and {columns.Count} column names, but the tensor's " +
                $"shape is ({string.Join(", ", matrix.shape)}).", nameof(matrix));
        if (rows.Count == 0 || columns.Count == 0) throw new ArgumentException(
            $"\"{title}\" has nothing to show: the tensor's shape is ({string.Join(", ", matrix.shape)}).", nameof(matrix));
        (Rows, Columns, Title) = ([.. rows], [.. columns], title ?? "");
        using var scope = NewDisposeScope();
        _values = [.. matrix.detach().cpu().to(float64).contiguous().data<double>().ToArray().Chunk(columns.Count)];
    }

    /// <summary>What is shown.</summary>
    public string Title { get; }

    /// <summary>The rows' names.</summary>
    public IReadOnlyList<string> Rows { get; }

    /// <summary>The columns' names.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>What the matrix shows, in words.</summary>
    public virtual string Description
    {
        get
        {
            var (largest, at) = Enumerable.Range(0, Rows.Count * Columns.Count)
                .Select(k => (_values[k / Columns.Count][k % Columns.Count], k)).MaxBy(pair => pair.Item1);
            string low = Markup.Number(Cells.Min()), high = Markup.Number(Cells.Max());
            string place = $"{Rows[at / Columns.Count]}, {Columns[at % Columns.Count]}";
            return Lesson.In($"{Title}: {Rows.Count} rows and {Columns.Count} columns, from {low} to {high}; the largest is {place}.",
                $"{Title}: 행 {Rows.Count}개, 열 {Columns.Count}개, {low}부터 {high}까지. 가장 큰 값의 자리: {place}.");
        }
    }

    /// <inheritdoc/>
    public override string ToHtml() => Plotly.Fragment(Figure(), Title, Description, Table());

    /// <inheritdoc/>
    public override string ToText()
    {
        string[] names = [.. Rows.Select(Short)];
        int width = names.Max(n => n.Length);
        var head = string.Concat(Columns.Select(c => Short(c).PadLeft(9)[..9]));
        var lines = names.Select((name, i) => name.PadRight(width) + string.Concat(_values[i].Select(v => Markup.Number(v).PadLeft(9))));
        return string.Join(Environment.NewLine, lines.Prepend(new string(' ', width) + head).Prepend(Title));
    }

    /// <summary>Writes a self-contained interactive page; the file is written beside its place, then renamed.</summary>
    public void SaveHtml(string path) => AtomicFile.Write(path, Markup.Page(Title, ".clip-plot figcaption { font-size: 1.3rem; }\n",
        $"<script>\n{Plotly.JavaScript}</script>", ToHtml()));

    /// <summary>
    /// Writes a PNG, drawn without a browser at twice the resolution of its layout; the file is written beside its place, then renamed.
    /// </summary>
    public void SavePng(string path) => AtomicFile.Write(path,
        new MatrixPicture(_values, Rows, Columns, Title, Colors) { Images = Images, Diagonal = FramesDiagonal }.ToPng());

    private protected IReadOnlyList<double[]> Values => _values;

    private protected IEnumerable<double> Cells => _values.SelectMany(row => row);

    private protected virtual ColorScale Colors => ColorScale.Of(Cells);

    /// <summary>What the values are.</summary>
    private protected virtual string Quantity => "";

    /// <summary>An image for each row, or none.</summary>
    private protected virtual IReadOnlyList<RasterImage> Images => [];

    private protected virtual bool FramesDiagonal => false;

    private string Figure() =>
        Plotly.HeatMap(
            _values, [.. Rows], [.. Columns], [.. Images.Select(image => Pictures.Shown(image, 112))], Quantity, Colors, FramesDiagonal);

    private string Table()
    {
        var colors = Colors;
        bool written = Columns.Count <= 16;
        var html = new StringBuilder($"<table " +
            $"style=\"border-collapse:separate;border-spacing:{(written ? 2 : 0)}px;width:auto;margin:0\">" +
                "<tr><td style=\"border:0\"></td>");
        foreach (string column in Columns) html.Append("<th scope=\"col\" " +
            "style=\"font-weight:400;font-size:0.8em;vertical-align:bottom;text-align:center;border:0;padding:2px;")
            .Append(written ? "min-width:5em;max-width:8.5em;overflow-wrap:normal\">" : "writing-mode:vertical-rl\">")
            .Append(Markup.Escape(column)).Append("</th>");
        for (int i = 0; i < Rows.Count; i++)
        {
            string head = Images.Count > 0 ? Markup.Image(Images[i], Rows[i], 56) : Markup.Escape(Rows[i]);
            html.Append("</tr><tr><th scope=\"row\" " +
                "style=\"font-weight:400;font-size:0.8em;text-align:right;vertical-align:middle;white-space:nowrap;border:0;padding:2px " +
                "6px 2px 0\">").Append(head).Append("</th>");
            for (int j = 0; j < Columns.Count; j++)
            {
                html.Append("<td style=\"text-align:center;vertical-align:middle;border:0;")
                    .Append(written ? "padding:6px 8px;" : "padding:0;width:16px;height:16px;").Append(colors.Style(_values[i][j]));
                if (FramesDiagonal && i == j) html.Append(";outline:2px solid currentColor;outline-offset:-3px");
                html.Append("\">").Append(written ? Markup.Number(_values[i][j]) : "").Append("</td>");
            }
        }
        return html.Append("</tr></table>").ToString();
    }

    private static string Short(string name) => name.Length <= 24 ? name : name[..23] + "…";
}
