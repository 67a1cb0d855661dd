namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// BERT's WordPiece: a word is cut greedily into the longest known pieces from its start; a word that cannot be cut so, or is too long, is
/// unknown as a whole.
/// </summary>
/// <param name="ids">The pieces; those inside a word begin with the prefix.</param>
/// <param name="unknown">The id of an unknown word.</param>
/// <param name="prefix">What marks a piece inside a word.</param>
/// <param name="longest">The longest word in characters.</param>
internal sealed class WordPieceSubwords(IReadOnlyDictionary<string, int> ids, int unknown, string prefix = "##", int longest = 100)
    : ISubwords
{
    private readonly int _longestPiece = ids.Keys.Select(key => key.Length).DefaultIfEmpty(0).Max();

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, int> Ids => ids;

    /// <inheritdoc/>
    public void Encode(string piece, List<int> into)
    {
        int start = into.Count, at = 0;
        bool isKnown = piece.Length <= 2L * longest && piece.EnumerateRunes().Count() <= longest;
        while (isKnown && at < piece.Length)
        {
            string before = at == 0 ? "" : prefix;
            int end = Math.Min(piece.Length, at + Math.Max(0, _longestPiece - before.Length));
            int id = -1;
            while (end > at && !ids.TryGetValue(before + piece[at..end], out id)) end--;
            isKnown = end > at;
            if (isKnown) into.Add(id);
            at = end;
        }
        if (isKnown) return;
        into.RemoveRange(start, into.Count - start);
        into.Add(unknown);
    }
}
