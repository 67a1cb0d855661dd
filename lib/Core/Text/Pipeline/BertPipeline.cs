using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// BERT's tokenizer from its <c>vocab.txt</c> alone, as ChineseCLIP's folders have it: one token per line; its id is the line's number,
/// from 0.
/// </summary>
internal static class BertPipeline
{
    private const string Start = "[CLS]", End = "[SEP]", Unknown = "[UNK]", Pad = "[PAD]";

    /// <exception cref="InvalidDataException">One of BERT's own tokens is missing.</exception>
    internal static TextPipeline Read(string path, bool lower, bool chinese)
    {
        ModelFile.RequireReadable(path);
        string[] tokens = [.. TextFile.ReadLines(path).Select(line => line.TrimEnd())];
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (id, token) in tokens.Index()) ids[token] = id;
        int Id(string token) => ids.TryGetValue(token, out int id)
            ? id
            : throw new InvalidDataException(
                $"{path} has no {token}: it is no vocabulary of BERT's. Copy it anew from where the model came from.");
        var decode = TokenDecoders.WordPiece("##");
        return new TextPipeline
        {
            Tokens = tokens,
            Start = [Id(Start)],
            End = [Id(End)],
            Padding = Id(Pad),
            Subwords = new WordPieceSubwords(ids, Id(Unknown)),
            Added = new AddedTokens(
                ((string[])[Start, End, Unknown, Pad, "[MASK]"]).Where(ids.ContainsKey).Select(token => new AddedToken(token, ids[token]))),
            AddedNormalized = new AddedTokens([]),
            Normalize = TextNormalizers.Bert(clean: true, chinese, strip: lower, lower),
            Split = TextSplitters.Bert(),
            Join = parts => string.Concat(decode(parts)),
        };
    }
}
