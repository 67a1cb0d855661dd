namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>A token that is looked for in the text itself, before anything else.</summary>
/// <param name="Content">Its text.</param>
/// <param name="Id">Its id.</param>
/// <param name="SingleWord">Whether it is ignored if a letter, a digit or an underscore is next to it.</param>
/// <param name="LeftStrip">Whether it takes the white space before it.</param>
/// <param name="RightStrip">Whether it takes the white space after it.</param>
/// <param name="Normalized">Whether it is looked for in the normalised text.</param>
internal sealed record AddedToken(
    string Content, int Id, bool SingleWord = false, bool LeftStrip = false, bool RightStrip = false, bool Normalized = false);

/// <summary>Finds added tokens in a text: the leftmost first; of several at one place, the longest.</summary>
/// <param name="tokens">The tokens, with the contents that are looked for.</param>
internal sealed class AddedTokens(IEnumerable<AddedToken> tokens)
{
    private readonly Dictionary<char, AddedToken[]> _byStart = tokens
        .Where(token => token.Content.Length > 0)
        .GroupBy(token => token.Content[0])
        .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());

    /// <summary>The text's parts in order, each with the token that it is, or null.</summary>
    internal IEnumerable<(string Part, AddedToken? Token)> Split(string text)
    {
        int start = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (!_byStart.TryGetValue(text[at], out var candidates)) continue;
            var found = Array.Find(candidates, token => string.CompareOrdinal(text, at, token.Content, 0, token.Content.Length) == 0);
            if (found is null) continue;
            int from = at, to = at + found.Content.Length;
            at = to - 1;
            if (found.SingleWord && (from > 0 && IsWord(text[from - 1]) || to < text.Length && IsWord(text[to]))) continue;
            while (found.LeftStrip && from > start && char.IsWhiteSpace(text[from - 1])) from--;
            while (found.RightStrip && to < text.Length && char.IsWhiteSpace(text[to])) to++;
            if (from > start) yield return (text[start..from], null);
            yield return (text[from..to], found);
            start = to;
            at = Math.Max(at, to - 1);
        }
        if (start < text.Length) yield return (text[start..], null);
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';
}
