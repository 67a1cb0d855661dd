using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A sentence on its way through the tokenizer and the text tower while it is typed: the merges as they happen, the ids, the mask, and what
/// each token sees. It computes with the embedded model.
/// </summary>
public sealed class SentenceByHand : Interactive
{
    private readonly string _text;
    private readonly IReadOnlyList<BytePairTrace> _pieces;
    private readonly long[] _ids;
    private readonly string[] _names;
    private readonly double[][] _attention;
    private readonly int _heads, _context;

    /// <summary>Tokenizes and encodes the sentence that is shown first.</summary>
    /// <param name="text">Short enough for the embedded model's context.</param>
    /// <exception cref="ArgumentException">It is longer than the context; the message says by how much.</exception>
    public SentenceByHand(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        using var clip = InteractiveModel.Open();
        using var scope = NewDisposeScope();
        var (tokenizer, words) = (clip.Processor.Tokenizer, clip.Model.Config.Text);
        var batch = tokenizer.Tokenize([text]);
        (_text, _pieces, _ids, _heads, _context) = (text, tokenizer.Explain(text), batch.Ids, words.Heads, words.ContextLength);
        _names = [.. _ids.Select(id => tokenizer.Token((int)id).Replace("</w>", "·", StringComparison.Ordinal))];
        using var trace = new Trace();
        clip.Model.Text.LastHiddenState(tensor(batch.Ids).view(1, -1), trace).Dispose();         // (1, L)
        _attention = [.. Enumerable.Range(1, words.Layers).Select(block => Numbers(trace[$"attention.{block}"][0], 4))];   // (H, L, L) each
    }

    private protected override string Script => "sentence";

    private protected override bool NeedsModel => true;

    private protected override object Content => new
    {
        Text = _text,
        Pieces = _pieces.Select(piece => new { piece.Piece, Steps = piece.Steps.Select(step => new { step.Symbols, step.Rank }),
            piece.Ids }),
        Ids = _ids,
        Attention = _attention,
        Heads = _heads,
        Context = _context,
    };

    /// <inheritdoc/>
    public override string ToText() =>
        string.Join(Environment.NewLine,
        [new TokenStrip(_pieces).ToText(), string.Join(' ', _ids),
        Lesson.In("What the end-of-text token sees, mean of the last block's heads:",
            "끝 토큰이 보는 것, 마지막 블록 헤드의 평균:"),
        .. Seen().Select((share, i) => $"  {_names[i],-18} {Markup.Percent(share),6}")]);

    private protected override string Still() => new TokenStrip(_pieces).ToHtml() + $"<p>{string.Join(' ', _ids)}</p>"
        + Markup.HeatTable([Lesson.In("seen by the end-of-text token", "끝 토큰이 보는 것")], _names, [Seen()], Markup.Percent);

    private double[] Seen()
    {
        int L = _ids.Length;
        return [.. Enumerable.Range(0, L)
            .Select(j => Enumerable.Range(0, _heads).Average(h => _attention[^1][(((h * L) + L - 1) * L) + j]))];
    }
}
