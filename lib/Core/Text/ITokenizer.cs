namespace ClipNotebooks.Core.Text;

/// <summary>Turns captions into the token ids that a model was trained on, and back. An implementation is thread-safe.</summary>
public interface ITokenizer
{
    /// <summary>The longest row in tokens, those at its start and end included.</summary>
    int ContextLength { get; }

    /// <summary>The number of ids; the largest id is one less.</summary>
    int VocabularySize { get; }

    /// <summary>The id that begins every row; null where rows begin with the text itself, as SigLIP's do.</summary>
    int? StartOfTextId { get; }

    /// <summary>The id that ends every row.</summary>
    int EndOfTextId { get; }

    /// <summary>The id that fills a row after its end.</summary>
    int PaddingId { get; }

    /// <summary>Cleans and encodes a caption as its model's training did.</summary>
    /// <returns>The ids, without those at the start and the end of a row.</returns>
    int[] Encode(string text);

    /// <summary>Turns captions into rows of ids: start, caption, end, padding.</summary>
    /// <param name="texts">The captions; an empty one gives the ids of start and end alone.</param>
    /// <param name="truncate">
    /// True: a caption that is too long is cut, and its row still ends with the end token. False: it is refused.
    /// </param>
    /// <param name="padding">
    /// How long the rows become. A text tower whose output depends on the padding pads shorter rows by itself.
    /// </param>
    /// <param name="padId">The id that fills a row after its end; <see cref="PaddingId"/> by default.</param>
    /// <exception cref="ArgumentException">
    /// A caption is too long and may not be cut; the message quotes it and gives both lengths.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="padId"/> is not an id of the vocabulary.</exception>
    TokenBatch Tokenize(IReadOnlyList<string> texts, bool truncate = false, Padding padding = Padding.Longest, int? padId = null);

    /// <summary>The token with an id.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    string Token(int id);

    /// <summary>Turns ids back into text; what cleaning removed is not restored.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    string Decode(IEnumerable<int> ids);

    /// <summary>
    /// Shows, piece by piece, how a caption became tokens: every merge of CLIP's byte-pair tokenizer, for any other tokenizer the tokens
    /// alone.
    /// </summary>
    IReadOnlyList<BytePairTrace> Explain(string text);
}
