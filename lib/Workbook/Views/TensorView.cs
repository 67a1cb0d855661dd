using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>What a tensor is: shape, dtype, device, range and mean, and its first values.</summary>
public sealed class TensorView : View
{
    private const int MostRows = 6, MostColumns = 8;

    private readonly (string Name, string Value)[] _facts;
    private readonly string[][] _cells;
    private readonly string _cut;

    /// <summary>Copies what the view shows; the tensor stays the caller's.</summary>
    /// <param name="tensor">Any shape, dtype and device; a <c>meta</c> tensor has no values to show.</param>
    /// <param name="name">What it is; empty for none.</param>
    public TensorView(Tensor tensor, string name = "")
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var scope = NewDisposeScope();
        List<(string, string)> facts =
        [
            (Lesson.In("shape", "모양"), $"({string.Join(", ", tensor.shape)})"), ("dtype", tensor.dtype.ToString().ToLowerInvariant()),
            (Lesson.In("device", "장치"), tensor.device.ToString()),
        ];
        if (name is { Length: > 0 }) facts.Insert(0, (Lesson.In("tensor", "텐서"), name));
        (_cells, _cut) = ([], "");
        if (tensor.device_type != DeviceType.META && tensor.numel() > 0 && !tensor.is_complex())
        {
            var values = tensor.detach().to(float64).cpu();
            string low = Number(values.min().ToDouble()), high = Number(values.max().ToDouble());
            facts.Add((Lesson.In("range", "범위"), Lesson.In($"{low} to {high}", $"{low} ~ {high}")));
            facts.Add((Lesson.In("mean", "평균"), Number(values.mean().ToDouble())));
            if (values.isfinite().logical_not().sum().ToInt64() is > 0 and var strange)
                facts.Add((Lesson.In("not finite", "유한하지 않은 값"), strange.ToString(CultureInfo.InvariantCulture)));
            // The first matrix of a tensor of more dimensions; a vector is one row.
            var matrix = values.reshape(-1, values.dim() == 0 ? 1 : values.shape[^1])[..(int)(values.dim() < 2 ? 1 : values.shape[^2])];
            _cells = [.. Enumerable.Range(0, (int)Math.Min(MostRows, matrix.shape[0])).Select(i =>
                Enumerable.Range(0, (int)Math.Min(MostColumns, matrix.shape[1])).Select(j => Number(matrix[i, j].ToDouble())).ToArray())];
            long shown = _cells.Length * _cells[0].Length;
            if (shown < values.numel()) _cut = Cut(shown, values.numel().ToString("N0", CultureInfo.InvariantCulture));
        }
        _facts = [.. facts];
    }

    private static string Cut(long shown, string all) =>
        Lesson.In($"the first {shown} of {all} values", $"값 {all}개 가운데 앞의 {shown}개");

    /// <inheritdoc/>
    public override string ToHtml() => Markup.Scrolling(
        $"<p style=\"margin:0 0 0.3em\">{string.Join(" · ", _facts.Select(fact => $"{fact.Name} <b>{Markup.Escape(fact.Value)}</b>"))}</p>"
        + (_cells.Length == 0 ? "" : "<table style=\"width:auto;margin:0\">" +
            string.Concat(_cells.Select(row => "<tr>" + string.Concat(row.Select(cell =>
            $"<td style=\"text-align:right;font-variant-numeric:tabular-nums\">{cell}</td>")) + "</tr>")) + "</table>")
        + (_cut.Length == 0 ? "" : $"<p style=\"margin:0.3em 0 0;opacity:0.75\">{_cut}</p>"));

    /// <inheritdoc/>
    public override string ToText()
    {
        int width = _cells.SelectMany(row => row).Select(cell => cell.Length).DefaultIfEmpty().Max() + 2;
        IEnumerable<string> lines = [string.Join(" · ", _facts.Select(fact => $"{fact.Name} {fact.Value}")),
            .. _cells.Select(row => string.Concat(row.Select(cell => cell.PadLeft(width)))), _cut];
        return string.Join(Environment.NewLine, lines.Where(line => line.Length > 0));
    }

    private static string Number(double value) => value == Math.Floor(value) && Math.Abs(value) < 1e6
        ? value.ToString("0", CultureInfo.InvariantCulture) : value.ToString("G5", CultureInfo.InvariantCulture);
}
