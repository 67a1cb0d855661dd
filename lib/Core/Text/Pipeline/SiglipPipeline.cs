using System.Text;
using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// Hugging Face's tokenizer of SigLIP (<c>SiglipTokenizer</c>): lower-cases, removes punctuation, collapses white space, then applies
/// SentencePiece without the space that it puts before a text. To avoid that space, it encodes the unknown token's text before each part
/// and removes its tokens again. This changes ids at the start of a part, and the models were trained on that.
/// </summary>
internal sealed class SiglipPipeline : ITextPipeline
{
    private const string Space = "▁", EndOfText = "</s>", Unknown = "<unk>";

    private readonly SentencePieceFile _file;
    private readonly UnigramSubwords _subwords;
    private readonly AddedTokens _added;
    private readonly int _space, _unknownLength;
    private readonly bool _lower;

    /// <param name="path">The folder's spiece.model.</param>
    /// <param name="added">
    /// The tokens that are looked for in texts; by default the end token and the unknown token, with the white space around them.
    /// </param>
    /// <param name="lower">Whether texts become lower case.</param>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="NotSupportedException">It is no unigram model, or has pieces that a user defined.</exception>
    internal SiglipPipeline(string path, IReadOnlyList<AddedToken>? added = null, bool lower = true)
    {
        _file = SentencePieceFile.Read(path);
        if (!_file.IsUnigram) throw new NotSupportedException($"{path} is no unigram model, as SigLIP's is.");
        if (_file.Pieces.FirstOrDefault(piece => piece.Type == 4) is { } own)
            throw new NotSupportedException($"{path} has the piece \"{own.Text}\", which a user defined; such pieces are not supported.");
        _lower = lower;
        Tokens = [.. _file.Pieces.Select(piece => piece.Text)];
        _space = Tokens.IndexOf(Space);
        int unknown = Tokens.IndexOf(Unknown), end = Tokens.IndexOf(EndOfText);
        if (unknown < 0 || end < 0) throw new InvalidDataException($"{path} has no {(end < 0 ? EndOfText : Unknown)}: it is not SigLIP's.");
        End = [end];
        _added = new AddedTokens(added ?? [new(EndOfText, end, false, true, true), new(Unknown, unknown, false, true, true)]);
        _subwords = new UnigramSubwords([.. _file.Pieces.Select(piece => (piece.Text, (double)piece.Score))], unknown, _file.ByteFallback,
            id => _file.Pieces[id].Type == 1, single: true);
        _unknownLength = Piecewise(Unknown).Count;
    }

    /// <inheritdoc/>
    public List<string> Tokens { get; }

    IReadOnlyList<string> ITextPipeline.Tokens => Tokens;

    /// <inheritdoc/>
    public int[] Start => [];

    /// <inheritdoc/>
    public int[] End { get; }

    /// <inheritdoc/>
    public int? Padding => End[0];

    /// <inheritdoc/>
    public IEnumerable<(string Piece, int[] Ids)> Encode(string text)
    {
        var pieces = new List<(string Piece, int[] Ids)>();
        bool afterSpace = false;
        foreach (var (part, token) in _added.Split(Space + text.Replace(Space, " ", StringComparison.Ordinal)))
        {
            int[] ids = token is null ? Part(part) : [token.Id];
            // The space before a text is removed if an added token follows directly.
            if (token is not null && afterSpace) pieces.Clear();
            if (ids.Length > 0) pieces.Add((part, ids));
            afterSpace = pieces is [{ Ids: [var first] }] && first == _space && token is null;
        }
        // If the text itself ends with the end token, that one counts as the row's.
        if (pieces is [.., { Ids: [.., var last] } ending] && last == End[0]) pieces[^1] = ending with { Ids = ending.Ids[..^1] };
        return pieces;
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<string> tokens) => string.Concat(tokens).Replace(Space, " ", StringComparison.Ordinal).Trim();

    private int[] Part(string text)
    {
        string canonical = WhiteSpace.Collapse(TextCleaner.WithoutPunctuation(_lower ? LowerCase.MapEach(text) : text), separators: true);
        var ids = Piecewise(Unknown + canonical);
        return [.. ids.Count >= _unknownLength ? ids[_unknownLength..] : ids];
    }

    private List<int> Piecewise(string text)
    {
        var ids = new List<int>();
        _subwords.Encode(Normalize(text), ids);
        return ids;
    }

    /// <summary>
    /// Normalises as SentencePiece does: replaces from the left, the longest match first; removes spaces at the ends and collapses runs of
    /// them; then puts its sign for each space.
    /// </summary>
    private string Normalize(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var result = new List<byte>(bytes.Length);
        bool afterSpace = _file.RemovesSpaces;
        for (int at = 0; at < bytes.Length;)
        {
            int width = Math.Min(bytes.Length - at, bytes[at] switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 });
            var (replacement, length) = _file.Map?.Longest(bytes.AsSpan(at)) ?? (bytes[at..(at + width)], width);
            at += length;
            var rest = replacement.AsSpan();
            while (afterSpace && rest.StartsWith(" "u8)) rest = rest[1..];
            foreach (byte one in rest) result.Add(one);
            if (rest.Length > 0) afterSpace = rest[^1] == ' ';
            afterSpace &= _file.RemovesSpaces;
        }
        while (_file.RemovesSpaces && result.Count > 0 && result[^1] == ' ') result.RemoveAt(result.Count - 1);
        return Encoding.UTF8.GetString([.. result]).Replace(" ", Space, StringComparison.Ordinal);
    }
}
