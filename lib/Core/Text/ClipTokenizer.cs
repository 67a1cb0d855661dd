using System.Text;
using ClipNotebooks.Core.Text.Cleaning;
using ClipNotebooks.Core.Text.Pipeline;
using Microsoft.ML.Tokenizers;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// CLIP's byte-pair tokenizer (paper, section 2.4; openai/CLIP <c>simple_tokenizer.py</c>) over any vocabulary in its format: OpenAI's
/// 49,408 tokens or one that <see cref="BytePairTrainer"/> made. Thread-safe.
/// </summary>
public sealed class ClipTokenizer : ITokenizer
{
    /// <summary>The token that begins every row.</summary>
    public const string StartOfText = "<|startoftext|>";

    /// <summary>The token that ends every row; the text tower pools here.</summary>
    public const string EndOfText = "<|endoftext|>";

    internal const string EndOfWord = "</w>";

    /// <summary>
    /// The longest word, in characters, that is left to the package. Its time grows with the square of the length;
    /// <see cref="BytePairWord"/> is faster for longer words.
    /// </summary>
    private const int LongWord = 100;

    private readonly Vocabulary _vocabulary;
    private readonly BpeTokenizer _bpe;
    private readonly Lazy<BytePairWord> _longWords;

    private ClipTokenizer(Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _longWords = new(() => new BytePairWord(vocabulary));
        _bpe = BpeTokenizer.Create(new BpeOptions(vocabulary.Ids)
        {
            Merges = vocabulary.Merges.Select(pair => $"{pair.Left} {pair.Right}"),
            SpecialTokens = SpecialTokens.ToDictionary(token => token, token => vocabulary.Ids[token]),
            ByteLevel = true,
            EndOfWordSuffix = EndOfWord,
        });
        StartOfTextId = vocabulary.Ids[StartOfText];
        EndOfTextId = vocabulary.Ids[EndOfText];
    }

    internal static IReadOnlyList<string> SpecialTokens { get; } = [StartOfText, EndOfText];

    /// <summary>The number of ids.</summary>
    public int VocabularySize => _vocabulary.Tokens.Count;

    /// <summary>The id that begins every row.</summary>
    public int StartOfTextId { get; }

    /// <summary>The id that ends every row: the largest.</summary>
    public int EndOfTextId { get; }

    int? ITokenizer.StartOfTextId => StartOfTextId;

    /// <summary>
    /// The id that fills a row after its end: 0, as in OpenAI's code. Hugging Face fills with <see cref="EndOfTextId"/>; a CLIP's output is
    /// the same.
    /// </summary>
    public int PaddingId => 0;

    /// <summary>The longest row, start and end included; 77 in every published CLIP.</summary>
    public int ContextLength { get; init; } = 77;

    /// <summary>Reads a folder's vocab.json and merges.txt, or tokenizer.json if neither exists, as transformers 5 saves it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="contextLength">The longest row, start and end included.</param>
    /// <exception cref="FileNotFoundException">One of the two files is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// One of them is damaged, or they contradict each other; the message names file and line.
    /// </exception>
    /// <exception cref="NotSupportedException">tokenizer.json holds a tokenizer of another kind, or adds tokens of its own.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="contextLength"/> is less than 2.</exception>
    public static ClipTokenizer Load(string folder, int contextLength = 77)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 2);
        return new ClipTokenizer(Vocabulary.Load(folder)) { ContextLength = contextLength };
    }

    /// <summary>The token with an id.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    public string Token(int id) => id >= 0 && id < VocabularySize
        ? _vocabulary.Tokens[id]
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"The vocabulary has the ids 0 to {VocabularySize - 1}.");

    /// <summary>Cleans and encodes a caption.</summary>
    /// <returns>The ids, without start and end.</returns>
    public int[] Encode(string text)
    {
        string clean = TextCleaner.Clean(text);
        var ids = new List<int>();
        foreach (var (offset, length) in ClipPreTokenizer.Split(clean))
        {
            string piece = clean.Substring(offset, length);
            if (Special(piece) is { } token) ids.Add(_vocabulary.Ids[token]);
            else if (length > LongWord) ids.AddRange(_longWords.Value.Encode(Encoding.UTF8.GetBytes(piece)));
            else ids.AddRange(_bpe.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false));
        }
        return [.. ids];
    }

    /// <inheritdoc/>
    public TokenBatch Tokenize(IReadOnlyList<string> texts, bool truncate = false, Padding padding = Padding.Longest, int? padId = null) =>
        new TokenRows([StartOfTextId], [EndOfTextId], ContextLength, VocabularySize)
            .Batch(texts, Encode, truncate, padding, padId ?? PaddingId);

    /// <summary>Turns ids back into text: each word is followed by a space, special tokens stay as they are written.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return ByteSymbols.Decode(string.Concat(ids.Select(Token))).Replace(EndOfWord, " ", StringComparison.Ordinal);
    }

    /// <summary>Shows, piece by piece, the merges that make a caption's tokens; a special token is whole from the start.</summary>
    public IReadOnlyList<BytePairTrace> Explain(string text)
    {
        string clean = TextCleaner.Clean(text);
        return [.. ClipPreTokenizer.Split(clean).Select(piece => ExplainPiece(clean.Substring(piece.Offset, piece.Length)))];
    }

    private static string? Special(string piece) =>
        SpecialTokens.FirstOrDefault(special => special.Equals(piece, StringComparison.OrdinalIgnoreCase));

    private BytePairTrace ExplainPiece(string piece)
    {
        if (Special(piece) is { } token) return new BytePairTrace(piece, [new BytePairStep([token], null)], [_vocabulary.Ids[token]]);
        var symbols = ByteSymbols.Encode(piece).Select(c => c.ToString()).ToList();
        symbols[^1] += EndOfWord;
        var steps = new List<BytePairStep> { new([.. symbols], null) };
        while (true)
        {
            var pairs = symbols.Zip(symbols.Skip(1)).Where(_vocabulary.Ranks.ContainsKey).ToList();
            if (pairs.Count == 0) break;
            var best = pairs.MinBy(pair => _vocabulary.Ranks[pair]);
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if ((symbols[i], symbols[i + 1]) != best) continue;
                symbols[i] += symbols[i + 1];
                symbols.RemoveAt(i + 1);
            }
            steps.Add(new BytePairStep([.. symbols], _vocabulary.Ranks[best]));
        }
        return new BytePairTrace(piece, steps, [.. symbols.Select(symbol => _vocabulary.Ids[symbol])]);
    }
}
