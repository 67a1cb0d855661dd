using System.Globalization;
using System.Text;
using ClipNotebooks.Clip.Evaluation;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Parity ladders side by side: a row for each rung (step of the forward pass), a column for each model, and in each cell the relative
/// error as a number and as a bar on a logarithmic scale from 10⁻⁸ to 1. The first rung that diverges is marked.
/// </summary>
public sealed class ParityTable : View
{
    private const double Decades = 8;
    private const string Sound = "#3a9d6e", Wrong = "#d1495b";

    private readonly string _title;
    private readonly IReadOnlyList<(string Model, ParityReport Report)> _reports;

    /// <summary>Shows reports on one recording beside each other.</summary>
    /// <param name="reports">Each with the name of its model; at least one.</param>
    /// <param name="title">What is shown.</param>
    /// <exception cref="ArgumentException">There is no report, or their rungs differ, as those of different recordings do.</exception>
    public ParityTable(IReadOnlyList<(string Model, ParityReport Report)> reports, string title)
    {
        ArgumentNullException.ThrowIfNull(reports);
        if (reports.Count == 0) throw new ArgumentException($"\"{title}\" has no report to show.", nameof(reports));
        foreach (var (model, report) in reports)
            if (!report.Rungs.Select(rung => rung.Name).SequenceEqual(reports[0].Report.Rungs.Select(rung => rung.Name)))
                throw new ArgumentException($"\"{title}\": the report of \"{model}\" has other rungs than that of " +
                    $"\"{reports[0].Model}\"; compare both with one recording, both with a processor or both without.", nameof(reports));
        (_reports, _title) = (reports, title);
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        var html = new StringBuilder("<table style=\"width:auto;margin:0;border-collapse:separate;border-spacing:6px 1px\"><tr>")
            .Append($"<th scope=\"col\" style=\"text-align:left;border:0;padding:1px 0\">{Lesson.In("rung", "단계")}</th>");
        foreach (var (model, _) in _reports) html.Append("<th scope=\"col\" style=\"text-align:left;border:0;padding:1px " +
            "4px;min-width:6.5em\">").Append(Markup.Escape(model)).Append("</th>");
        html.Append("</tr>");
        for (int i = 0; i < _reports[0].Report.Rungs.Count; i++)
        {
            html.Append("<tr><th scope=\"row\" style=\"text-align:left;font-weight:400;border:0;padding:1px 0;white-space:nowrap\">")
                .Append(Markup.Escape(_reports[0].Report.Rungs[i].Name)).Append("</th>");
            foreach (var (_, report) in _reports) html.Append(Cell(report, report.Rungs[i]));
            html.Append("</tr>");
        }
        return $"<p style=\"margin:0.5em 0 0.3em\">{Markup.Escape(_title)}</p>" + Markup.Scrolling(html.Append("</table>").ToString()) +
            "<ul style=\"margin:0.3em 0\">"
            + string.Concat(_reports.Select(r => $"<li>{Markup.Escape(r.Model)}: {Markup.Escape(Summary(r.Report))}</li>")) + "</ul>";
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        int first = _reports[0].Report.Rungs.Max(rung => rung.Name.Length);
        int[] widths = [.. _reports.Select(r => Math.Max(11, r.Model.Length))];
        var lines = new List<string> { _title, "".PadRight(first) +
            string.Concat(_reports.Select((r, k) => "  " + r.Model.PadRight(widths[k]))) };
        for (int i = 0; i < _reports[0].Report.Rungs.Count; i++)
            lines.Add(_reports[0].Report.Rungs[i].Name.PadRight(first) +
                string.Concat(_reports.Select((r, k) => "  " + (Error(r.Report.Rungs[i]) + Mark(r.Report, r.Report.Rungs[i]))
                .PadRight(widths[k]))));
        lines.AddRange(_reports.Select(r => $"{r.Model}: {Summary(r.Report)}"));
        return string.Join(Environment.NewLine, lines.Select(line => line.TrimEnd()));
    }

    private static string Summary(ParityReport report) => Lesson.In(report.Summary, report.FirstDivergence is { } rung
        ? $"처음 갈라지는 단계: {rung.Name}, " + (rung.Remark.Length > 0 ? rung.Remark : string.Create(CultureInfo.InvariantCulture,
            $"차이 {rung.MaxAbsoluteError:g3}, 가장 큰 값의 {rung.MaxRelativeError:g3}배(허용은 {rung.Tolerance:g3}배)")) + "."
        : $"{report.Rungs.Count}단계가 모두 같습니다.");

    private static string Cell(ParityReport report, ParityRung rung)
    {
        bool first = ReferenceEquals(rung, report.FirstDivergence);
        string color = rung.Agrees ? Sound : Wrong;
        double share = double.IsNaN(rung.MaxRelativeError) ? 1 : rung.MaxRelativeError <= 0 ? 0
            : Math.Clamp(1 + (Math.Log10(rung.MaxRelativeError) / Decades), 0.02, 1);
        return $"<td style=\"text-align:left;border:0;padding:1px " +
            $"4px;white-space:nowrap;font-variant-numeric:tabular-nums;font-size:0.85em" +
                $"{(first ? $";outline:2px solid {Wrong};font-weight:700" : "")}\">"
            + $"{Error(rung)}{Mark(report, rung)}<span " +
                $"style=\"display:block;height:5px;width:{Markup.At(100 * share)}%;background:{color}\"></span></td>";
    }

    private static string Error(ParityRung rung) => double.IsNaN(rung.MaxRelativeError) ? Lesson.In("no number", "수 아님")
        : rung.MaxRelativeError.ToString(rung.MaxRelativeError == 0 ? "0" : "0.0e-0", CultureInfo.InvariantCulture);

    /// <summary>A sign for rungs that diverge, so that they are not marked by colour alone.</summary>
    private static string Mark(ParityReport report, ParityRung rung) => ReferenceEquals(rung, report.FirstDivergence) ? " ◀" : rung.Agrees
        ? "" : " ✗";
}
