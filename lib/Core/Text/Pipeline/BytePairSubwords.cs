namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// Byte-pair encoding over any alphabet, as Hugging Face's tokenizers do it: joins the pair of neighbours whose merge was learnt first, of
/// equal ones the leftmost, until no merge applies. Pairs wait in a heap, so that time grows little faster than a piece's length. (The one
/// in Microsoft.ML.Tokenizers has no byte fallback.)
/// </summary>
internal sealed class BytePairSubwords(
    IReadOnlyDictionary<string, int> ids, IReadOnlyDictionary<(int Left, int Right), (int Rank, int Id)> merges) : ISubwords
{
    /// <inheritdoc/>
    public IReadOnlyDictionary<string, int> Ids => ids;

    /// <summary>The id for a character without a token; if null, the character is left out.</summary>
    internal int? Unknown { get; init; }

    /// <summary>Whether consecutive unknown characters are one token.</summary>
    internal bool FuseUnknown { get; init; }

    /// <summary>Whether a character without a token becomes tokens of its bytes.</summary>
    internal bool ByteFallback { get; init; }

    /// <summary>Whether a piece that is a token is taken whole, whatever the merges say.</summary>
    internal bool IgnoreMerges { get; init; }

    /// <summary>The prefix of each character of a piece but the first.</summary>
    internal string Prefix { get; init; } = "";

    /// <summary>The suffix of the last character of a piece.</summary>
    internal string Suffix { get; init; } = "";

    /// <inheritdoc/>
    public void Encode(string piece, List<int> into)
    {
        if (IgnoreMerges && ids.TryGetValue(piece, out int whole)) into.Add(whole);
        else into.AddRange(Merge(Symbols(piece)));
    }

    private List<int> Symbols(string piece)
    {
        var symbols = new List<int>(piece.Length);
        int? pending = null;
        int at = 0;
        foreach (var rune in piece.EnumerateRunes())
        {
            string symbol = (at == 0 ? "" : Prefix) + rune;
            at += rune.Utf16SequenceLength;
            if (at == piece.Length) symbol += Suffix;
            if (ids.TryGetValue(symbol, out int id))
            {
                if (pending is { } unknown) symbols.Add(unknown);
                pending = null;
                symbols.Add(id);
            }
            else if ((!ByteFallback || !ByteTokens.TryAppend(symbol, ids, symbols)) && Unknown is not null)
            {
                if (pending is { } unknown && !FuseUnknown) symbols.Add(unknown);
                pending = Unknown;
            }
        }
        if (pending is { } last) symbols.Add(last);
        return symbols;
    }

    private List<int> Merge(List<int> symbols)
    {
        var next = new int[symbols.Count];
        var previous = new int[symbols.Count];
        var waiting = new PriorityQueue<(int At, int Id), (int Rank, int At)>();
        for (int i = 0; i < symbols.Count; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1);
            Wait(i);
        }
        while (waiting.TryDequeue(out var merge, out _))
        {
            int at = merge.At, right = next[at];
            // Skips a pair that has been joined since it was queued.
            if (symbols[at] < 0 || right >= symbols.Count) continue;
            if (!merges.TryGetValue((symbols[at], symbols[right]), out var known) || known.Id != merge.Id) continue;
            symbols[at] = merge.Id;
            symbols[right] = -1;
            next[at] = next[right];
            if (next[at] < symbols.Count) previous[next[at]] = at;
            if (previous[at] >= 0) Wait(previous[at]);
            Wait(at);
        }
        symbols.RemoveAll(symbol => symbol < 0);
        return symbols;

        void Wait(int at)
        {
            if (next[at] < symbols.Count && merges.TryGetValue((symbols[at], symbols[next[at]]), out var merge))
                waiting.Enqueue((at, merge.Id), (merge.Rank, at));
        }
    }
}
