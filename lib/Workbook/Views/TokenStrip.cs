using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// How the pieces of a caption become tokens: each piece's symbols before the first merge and after every merge, the tokens with their ids
/// last.
/// </summary>
public sealed class TokenStrip : View
{
    private const string Chip = "display:inline-block;border:1px solid currentColor;border-radius:4px;padding:1px 6px;margin:1px 3px 1px " +
        "0;font-family:monospace;white-space:nowrap";
    private readonly IReadOnlyList<BytePairTrace> _pieces;

    /// <summary>A strip of pieces.</summary>
    /// <param name="pieces">What <see cref="ITokenizer.Explain"/> gives.</param>
    public TokenStrip(IReadOnlyList<BytePairTrace> pieces)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        _pieces = pieces;
    }

    /// <inheritdoc/>
    public override string ToHtml() => Markup.Scrolling("<table style=\"width:auto\"><tr>"
        + string.Concat(Lesson.In<string[]>(["piece", "merge", "symbols"], ["조각", "병합", "기호"])
            .Select(head => $"<th scope=\"col\">{head}</th>"))
        + "</tr>" + string.Concat(_pieces.SelectMany(piece => piece.Steps.Select((step, i) =>
        $"<tr><td style=\"text-align:left\">{Markup.Escape(i == 0 ? piece.Piece : "")}</td><td " +
            $"style=\"text-align:left;white-space:nowrap\">{Merge(step)}</td><td style=\"text-align:left\">"
        + string.Concat(Symbols(piece, i).Select(symbol => $"<span style=\"{Chip}\">{Markup.Escape(symbol)}</span>")) + "</td></tr>"))) +
            "</table>");

    /// <inheritdoc/>
    public override string ToText() => string.Join(Environment.NewLine, _pieces.SelectMany(piece => piece.Steps.Select((step, i) =>
        $"{(i == 0 ? piece.Piece : ""),-14} {Merge(step),-12} {string.Join(" | ", Symbols(piece, i))}")));

    private static string Merge(BytePairStep step) =>
        step.Rank is { } rank ? Lesson.In($"rank {rank}", $"순위 {rank}") : Lesson.In("start", "시작");

    private static IEnumerable<string> Symbols(BytePairTrace piece, int step) => step < piece.Steps.Count - 1
        ? piece.Steps[step].Symbols
        : piece.Steps[step].Symbols.Zip(piece.Ids, (symbol, id) => $"{symbol} = {id}");
}
