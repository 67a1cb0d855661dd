using ClipNotebooks.Core.Text.Pipeline;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// The tokenizers of other families than CLIP: SentencePiece's unigram model (SigLIP, XLM-RoBERTa, MetaCLIP 2), Gemma's byte pairs (SigLIP
/// 2), BERT's WordPiece (ChineseCLIP) and whatever else a <c>tokenizer.json</c> describes. <see cref="TokenizerFolder.Load"/> opens one.
/// Thread-safe.
/// </summary>
public sealed class PipelineTokenizer : ITokenizer
{
    private readonly ITextPipeline _pipeline;
    private readonly Func<string, string> _clean;
    private readonly bool _stripsEnd;

    /// <param name="pipeline">The steps from text to ids.</param>
    /// <param name="clean">Cleans a caption before the steps.</param>
    /// <param name="contextLength">The longest row.</param>
    /// <param name="paddingId">The id that fills rows.</param>
    /// <param name="stripsEnd">Whether the token at a row's end becomes 0 (OpenCLIP: <c>strip_sep_token</c>).</param>
    internal PipelineTokenizer(ITextPipeline pipeline, Func<string, string> clean, int contextLength, int paddingId, bool stripsEnd = false)
    {
        (_pipeline, _clean, _stripsEnd, ContextLength, PaddingId) = (pipeline, clean, stripsEnd, contextLength, paddingId);
    }

    /// <inheritdoc/>
    public int ContextLength { get; }

    /// <inheritdoc/>
    public int VocabularySize => _pipeline.Tokens.Count;

    /// <inheritdoc/>
    public int? StartOfTextId => _pipeline.Start is [var first, ..] ? first : null;

    /// <inheritdoc/>
    public int EndOfTextId => _pipeline.End is [.., var last] ? last : PaddingId;

    /// <inheritdoc/>
    public int PaddingId { get; }

    /// <inheritdoc/>
    public int[] Encode(string text) => [.. Explain(text).SelectMany(piece => piece.Ids)];

    /// <inheritdoc/>
    public TokenBatch Tokenize(IReadOnlyList<string> texts, bool truncate = false, Padding padding = Padding.Longest, int? padId = null)
    {
        var batch = new TokenRows(_pipeline.Start, _pipeline.End, ContextLength, VocabularySize)
            .Batch(texts, Encode, truncate, padding, padId ?? PaddingId);
        if (!_stripsEnd) return batch;
        int end = EndOfTextId;
        // open_clip's HFTokenizer writes torch.zeros_like there, so 0 even where the vocabulary pads with another id, as XLM-RoBERTa's.
        return batch with { Ids = [.. batch.Ids.Select(id => id == end ? 0 : id)] };
    }

    /// <inheritdoc/>
    public string Token(int id) => id >= 0 && id < VocabularySize
        ? _pipeline.Tokens[id]
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"The vocabulary has the ids 0 to {VocabularySize - 1}.");

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return _pipeline.Decode([.. ids.Select(Token)]);
    }

    /// <inheritdoc/>
    public IReadOnlyList<BytePairTrace> Explain(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. _pipeline.Encode(_clean(text)).Where(piece => piece.Ids.Length > 0)
            .Select(piece => new BytePairTrace(piece.Piece, [new BytePairStep([.. piece.Ids.Select(Token)], null)], piece.Ids))];
    }
}
