using System.Globalization;
using System.Text;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Which classes are taken for which: a row for each true class, a column for each answer, counts with the share of their row. The
/// diagonal, blue, holds the right answers and, as shares, each class's recall; the rest, red, holds the mistakes.
/// </summary>
public sealed class ConfusionMatrix : View
{
    /// <summary>
    /// With more classes than this, cells hold counts alone (the share is in their tooltips), and the text form names the mistakes of each
    /// row.
    /// </summary>
    private const int MostWithShares = 12;

    private readonly int[][] _counts;
    private readonly IReadOnlyList<RasterImage> _images;

    /// <summary>Copies the counts.</summary>
    /// <param name="counts">
    /// C × C: how many images of class [row] were answered with class [column], as <see cref="ClassificationReport.Confusion"/> has them.
    /// </param>
    /// <param name="classNames">C names.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="images">An image for each class, shown beside its name; none by default.</param>
    /// <exception cref="ArgumentException">
    /// The counts are not C × C, one is negative, there is no class, or the images are not as many as the names.
    /// </exception>
    public ConfusionMatrix(
        IReadOnlyList<IReadOnlyList<int>> counts, IReadOnlyList<string> classNames, string title, IReadOnlyList<RasterImage>? images = null)
    {
        ArgumentNullException.ThrowIfNull(counts);
        ArgumentNullException.ThrowIfNull(classNames);
        if (classNames.Count == 0 || counts.Count != classNames.Count
            || counts.FirstOrDefault(row => row.Count != classNames.Count) is not null)
            throw new ArgumentException($"\"{title}\" has {classNames.Count} class names; the counts have {counts.Count} rows of " +
                $"{string.Join(", ", counts.Select(row => row.Count).Distinct())} columns. As many of each are needed, at least one.",
                nameof(counts));
        if (counts.Any(row => row.Any(n => n < 0))) throw new ArgumentException($"\"{title}\" has a negative count.", nameof(counts));
        if (images is not null && images.Count != classNames.Count) throw new ArgumentException(
            $"\"{title}\" has {images.Count} images for {classNames.Count} classes.", nameof(images));
        (Title, ClassNames, _images) = (title ?? "", [.. classNames], [.. images ?? []]);
        _counts = [.. counts.Select(row => row.ToArray())];
    }

    /// <summary>What is shown.</summary>
    public string Title { get; }

    /// <summary>The classes, in the order of rows and columns.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The matrix in words: how many answers are right, and the most frequent mistakes.</summary>
    public string Description
    {
        get
        {
            int right = Enumerable.Range(0, _counts.Length).Sum(i => _counts[i][i]), all = _counts.Sum(row => row.Sum());
            string worst = string.Join(", ", Mistakes().Take(3).Select(m => Lesson.In(
                $"{m.Truth} taken for {m.Answer} {m.Count switch { 1 => "once", 2 => "twice", _ => $"{m.Count} times" }}",
                $"{m.Truth} → {m.Answer} {m.Count}번")));
            return worst.Length == 0
                ? Lesson.In($"{Title}: {right} of {all} right. There is no mistake.",
                    $"{Title}: {all}개 가운데 {right}개가 맞습니다. 틀린 것이 없습니다.")
                : Lesson.In($"{Title}: {right} of {all} right. The most frequent mistakes: {worst}.",
                    $"{Title}: {all}개 가운데 {right}개가 맞습니다. 가장 잦은 실수: {worst}.");
        }
    }

    /// <summary>The mistakes that were made, the most frequent first.</summary>
    /// <returns>The class, the answer, how often, and which share of the class's images that is, 0 to 1.</returns>
    public IReadOnlyList<(string Truth, string Answer, int Count, double Share)> Mistakes() =>
        [.. from i in Enumerable.Range(0, _counts.Length)
            from j in Enumerable.Range(0, _counts.Length)
            where i != j && _counts[i][j] > 0
            orderby _counts[i][j] descending, i, j
            select (ClassNames[i], ClassNames[j], _counts[i][j], Share(i, j))];

    /// <inheritdoc/>
    public override string ToHtml()
    {
        bool shares = _counts.Length <= MostWithShares;
        var html = new StringBuilder("<table style=\"border-collapse:separate;border-spacing:1px;width:auto;margin:0\">")
            .Append("<caption style=\"text-align:left;caption-side:top;color:inherit;padding:0 0 0.4em\">")
            .Append($"<b>{Markup.Escape(Title)}</b><br><span style=\"font-size:0.85em\">")
            .Append(Lesson.In("rows: the true class; columns: the answer", "행: 실제 클래스, 열: 답"))
            .Append("</span></caption><tr><td style=\"border:0\"></td>");
        foreach (string name in ClassNames)
            html.Append($"<th scope=\"col\" " +
                $"style=\"font-weight:400;font-size:0.8em;border:0;vertical-align:bottom;text-align:" +
                (shares ? "center;padding:2px 4px;min-width:3.2em"
                    : "left;padding:4px 0;writing-mode:vertical-rl;transform:rotate(180deg)") +
                $"\">{Markup.Escape(name)}</th>");
        html.Append("<th scope=\"col\" style=\"font-weight:400;font-size:0.8em;border:0;vertical-align:bottom;padding:2px 0 2px 8px\">")
            .Append(Lesson.In("images", "이미지")).Append("</th></tr>");
        for (int i = 0; i < _counts.Length; i++)
        {
            string name = Markup.Escape(ClassNames[i]);
            if (_images.Count > 0) name = $"<span style=\"display:inline-flex;align-items:center;gap:6px\">{name} " +
                $"{Markup.Image(_images[i], "", 32)}</span>";
            html.Append($"<tr><th scope=\"row\" " +
                $"style=\"font-weight:400;font-size:0.8em;text-align:right;vertical-align:middle;white-space:nowrap;border:0;padding:0 " +
                $"6px 0 0\">{name}</th>");
            for (int j = 0; j < _counts.Length; j++) html.Append(Cell(i, j, shares));
            html.Append($"<td style=\"border:0;text-align:right;vertical-align:middle;font-size:0.8em;padding:0 0 0 " +
                $"8px\">{Number(_counts[i].Sum())}</td></tr>");
        }
        return Markup.Scrolling(html.Append("</table>").ToString()) +
            $"<p style=\"font-size:0.85em;margin:0.3em 0\">{Markup.Escape(Description)}</p>";
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        int width = ClassNames.Max(name => name.Length);
        var lines = _counts.Length <= MostWithShares
            ? _counts.Select((row, i) => ClassNames[i].PadRight(width) +
                string.Concat(row.Select((n, j) => $"{n,5} {Percent(Share(i, j)),5}"))).Prepend(
                new string(' ', width) + string.Concat(ClassNames.Select(name => (name.Length > 10 ? name[..9] + "…" : name).PadLeft(11))))
            : _counts.Select((row, i) =>
                $"{ClassNames[i].PadRight(width)} {Percent(Share(i, i)),5} {Lesson.In("of", "/")} {row.Sum()}" + Errors(i));
        return string.Join(Environment.NewLine, lines.Prepend(Description));
    }

    private string Cell(int i, int j, bool shares)
    {
        // A translucent background, at most 55 % opaque, keeps the page's own text legible on light and dark pages.
        string ground = _counts[i][j] == 0 ? "background:rgba(128,128,128,0.08)"
            : $"background:rgba({(i == j ? "59,130,196" : "214,72,56")},{Markup.At(0.12 + (0.43 * Share(i, j)))})";
        string said = Markup.Escape(Lesson.In(
            $"{_counts[i][j]} of {_counts[i].Sum()} {ClassNames[i]} answered with {ClassNames[j]} ({Percent(Share(i, j))})",
            $"{ClassNames[i]} {_counts[i].Sum()}개 가운데 {_counts[i][j]}개를 {ClassNames[j]}(으)로 답함({Percent(Share(i, j))})"));
        string content = _counts[i][j] == 0 ? "" : !shares ? Number(_counts[i][j])
            : $"{Number(_counts[i][j])}<br><span style=\"font-size:0.75em;white-space:nowrap\">{Percent(Share(i, j))}</span>";
        return $"<td title=\"{said}\" " +
            $"style=\"border:0;text-align:center;vertical-align:middle;line-height:1.2;" +
            (shares ? "padding:3px 4px;height:2.6em" : "padding:0;min-width:1.6em;height:1.6em;font-size:0.8em") +
            $";{ground}\">{content}</td>";
    }

    private string Errors(int i)
    {
        var errors = Enumerable.Range(0, _counts.Length).Where(j => j != i && _counts[i][j] > 0).OrderByDescending(j => _counts[i][j])
            .Select(j => $"{ClassNames[j]} {_counts[i][j]}");
        return string.Join(", ", errors) is { Length: > 0 } list ? Lesson.In("; not so: ", "; 틀린 답: ") + list : "";
    }

    private double Share(int i, int j) => _counts[i].Sum() is > 0 and var all ? _counts[i][j] / (double)all : 0;

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F0} %");

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);
}
