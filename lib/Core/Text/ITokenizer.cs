namespace ClipNotebooks.Core.Text;

/// <summary>From captions to the token ids that a model was trained on, and back. An implementation is thread-safe.</summary>
public interface ITokenizer
{
    /// <summary>The longest row, the tokens at its start and end included.</summary>
    int ContextLength { get; }

    /// <summary>The number of ids: the largest is one less.</summary>
    int VocabularySize { get; }

    /// <summary>The id that begins every row; none where rows begin with the text itself, as SigLIP's do.</summary>
    int? StartOfTextId { get; }

    /// <summary>The id that ends every row.</summary>
    int EndOfTextId { get; }

    /// <summary>The id that fills a row after its end.</summary>
    int PaddingId { get; }

    /// <summary>Cleans and encodes a caption as its model's training did.</summary>
    /// <returns>The ids, without those at the start and the end of a row.</returns>
    int[] Encode(string text);

    /// <summary>Captions to rows: start, ids, end, padding.</summary>
    /// <param name="texts">The captions; an empty one gives the ids of start and end alone.</param>
    /// <param name="truncate">Whether a caption that is too long is cut (its row still ends with the end token) or refused.</param>
    /// <param name="padding">
    /// How long the rows become. A text tower that looks at what stands after a row's end fills shorter rows up by itself.
    /// </param>
    /// <param name="padId">What fills a row after its end; <see cref="PaddingId"/> where none is given.</param>
    /// <exception cref="ArgumentException">
    /// A caption is too long and may not be cut; the message quotes it and says by how much.
    /// </exception>
    TokenBatch Tokenize(IReadOnlyList<string> texts, bool truncate = false, Padding padding = Padding.Longest, int? padId = null);

    /// <summary>The token with an id.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    string Token(int id);

    /// <summary>Ids back to text, as far as the tokenizer keeps it: what cleaning took away does not come back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    string Decode(IEnumerable<int> ids);

    /// <summary>
    /// Shows, piece by piece, how a caption became tokens: every merge of CLIP's byte-pair tokenizer, the tokens alone of any other.
    /// </summary>
    IReadOnlyList<BytePairTrace> Explain(string text);
}
