namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// SentencePiece's unigram model (Kudo 2018, arXiv:1804.10959): of all ways to cut a text into known pieces, the one whose logarithmic
/// probabilities have the greatest sum (Viterbi). A character that no piece covers is unknown, at a penalty; consecutive unknown characters
/// are one token.
/// </summary>
internal sealed class UnigramSubwords : ISubwords
{
    private const double UnknownPenalty = 10;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<long, int> _children = [];
    private readonly List<int> _pieceAt = [-1];
    private readonly double[] _scores;
    private readonly int? _unknown;
    private readonly double _unknownScore;
    private readonly bool _bytes, _single;

    /// <param name="pieces">The pieces in the order of their ids.</param>
    /// <param name="unknown">The id of the unknown token.</param>
    /// <param name="byteFallback">Whether unknown text becomes byte tokens, if the pieces have them.</param>
    /// <param name="isPlain">
    /// Whether the piece with an id may be found in a text: SentencePiece's control pieces never are. By default all may.
    /// </param>
    /// <param name="single">Whether sums are rounded to float32, as SentencePiece's own are.</param>
    internal UnigramSubwords(
        IReadOnlyList<(string Text, double Score)> pieces, int? unknown, bool byteFallback, Func<int, bool>? isPlain = null,
        bool single = false)
    {
        (_unknown, _bytes, _single) = (unknown, byteFallback, single);
        _scores = [.. pieces.Select(piece => piece.Score)];
        double least = double.PositiveInfinity;
        for (int id = 0; id < pieces.Count; id++)
        {
            _ids[pieces[id].Text] = id;
            if (isPlain?.Invoke(id) == false) continue;
            least = Math.Min(least, pieces[id].Score);
            if (pieces[id].Text.Length == 0) continue;
            int node = 0;
            foreach (char c in pieces[id].Text)
            {
                long edge = ((long)node << 16) | c;
                if (!_children.TryGetValue(edge, out int child))
                {
                    _children[edge] = child = _pieceAt.Count;
                    _pieceAt.Add(-1);
                }
                node = child;
            }
            _pieceAt[node] = id;
        }
        _unknownScore = Round(least - UnknownPenalty);
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <inheritdoc/>
    public void Encode(string piece, List<int> ids)
    {
        foreach (var (start, end, id) in Cut(piece))
        {
            if (id != _unknown) ids.Add(id);
            else if (_ids.TryGetValue(piece[start..end], out int known)) ids.Add(known);
            else if (!_bytes || !ByteTokens.TryAppend(piece.AsSpan(start, end - start), _ids, ids)) ids.Add(id);
        }
    }

    /// <summary>The most probable cut of the text; consecutive unknown characters are one part.</summary>
    private List<(int Start, int End, int Id)> Cut(string text)
    {
        var best = new (double Score, int From, int Id)[text.Length + 1];
        Array.Fill(best, (0, -1, -1));
        for (int at = 0, width; at < text.Length; at += width)
        {
            width = char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;
            double here = best[at].Score;
            bool hasOne = false;
            for (int node = 0, end = at; end < text.Length && _children.TryGetValue(((long)node << 16) | text[end], out node);)
            {
                end++;
                if (_pieceAt[node] is not (>= 0 and var id)) continue;
                Offer(end, Round(_scores[id] + here), at, id);
                hasOne |= end == at + width;
            }
            if (hasOne) continue;
            const string need = "The tokenizer has no token for what it does not know (\"unk_id\"), and the text needs one.";
            Offer(at + width, Round(_unknownScore + here), at, _unknown ?? throw new InvalidDataException(need));
        }

        void Offer(int end, double score, int from, int id)
        {
            if (best[end].From < 0 || score > best[end].Score) best[end] = (score, from, id);
        }

        var cut = new List<(int Start, int End, int Id)>();
        for (int end = text.Length; end > 0; end = best[end].From)
        {
            var (_, from, id) = best[end];
            if (id == _unknown && cut.Count > 0 && cut[^1].Id == id) cut[^1] = (from, cut[^1].End, id);
            else cut.Add((from, end, id));
        }
        cut.Reverse();
        return cut;
    }

    private double Round(double score) => _single ? (float)score : score;
}
