namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of the text transformer (paper, section 2.4). What is not set is as in CLIP.</summary>
public sealed record TextConfig
{
    /// <summary>The longest row of token ids, start and end included.</summary>
    public int ContextLength { get; init; } = 77;

    /// <summary>The number of token ids.</summary>
    public int VocabularySize { get; init; } = 49408;

    /// <summary>D, the width of a token.</summary>
    public required int Width { get; init; }

    /// <summary>The number of blocks.</summary>
    public required int Layers { get; init; }

    /// <summary>H, the number of attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>The width of the MLP's hidden layer; four times the width by default.</summary>
    public int? MlpWidth { get; init; }

    /// <summary>
    /// Where the factors begin that each block learns for the channels it adds (OpenCLIP's <c>ls_init_value</c>); none, as in every
    /// published CLIP, means no such factors.
    /// </summary>
    public double? LayerScale { get; init; }

    /// <summary>
    /// The id whose first position is pooled. Without one the position of the largest id is (openai/CLIP <c>model.py</c>, and Hugging Face
    /// where <c>eos_token_id</c> is 2): the end token has the largest id of the vocabulary.
    /// </summary>
    public int? EndOfTextId { get; init; }

    /// <summary>The non-linearity of the blocks' MLPs where it is another than <see cref="ClipConfig.Activation"/>.</summary>
    public Activation? Activation { get; init; }

    /// <summary>ε of the layer normalisations where it is another than <see cref="ClipConfig.LayerNormEpsilon"/>.</summary>
    public double? LayerNormEpsilon { get; init; }

    /// <summary>What differs in the blocks.</summary>
    public BlockOptions Block { get; init; } = BlockOptions.Clip;

    /// <summary>Whether a token sees only itself and those before it.</summary>
    public bool Causal { get; init; } = true;

    /// <summary>Which token is pooled.</summary>
    public TextPooling Pooling { get; init; } = TextPooling.EndOfText;

    /// <summary>The id that fills rows up, 0 where the tower does not look at it.</summary>
    public int PaddingId { get; init; }

    /// <summary>Whether padding is not seen (BERT, RoBERTa).</summary>
    public bool MaskPadding { get; init; }

    /// <summary>
    /// Whether a class token is appended to every row, and pooled; what it sees is masked as in CoCa's published weights (OpenCLIP's
    /// <c>embed_cls</c>).
    /// </summary>
    public bool AppendedClassToken { get; init; }

    /// <summary>
    /// Whether positions count from <see cref="PaddingId"/> + 1 over what is not padding (RoBERTa); they count from 0 over all otherwise.
    /// </summary>
    public bool PositionsSkipPadding { get; init; }

    /// <summary>Rows of the table of positions where it has more than the context is long.</summary>
    public int? PositionRows { get; init; }

    /// <summary>Rows of BERT's table of token types, of which the first is added to every token; 0 for no such table.</summary>
    public int TokenTypes { get; init; }

    /// <summary>Whether tokens are normalised before the first block (<c>ln_pre</c>; BERT).</summary>
    public bool NormBefore { get; init; }

    /// <summary>
    /// Whether tokens are normalised after the last block (<c>ln_final</c>); blocks that normalise their sums need it not.
    /// </summary>
    public bool NormAfter { get; init; } = true;

    /// <summary>Whether the pooled token passes a linear layer and a tanh (BERT's pooler).</summary>
    public bool Pooler { get; init; }

    /// <summary>
    /// The width that a linear layer before pooling takes tokens to; none for no such layer (AltCLIP's <c>transformation</c>).
    /// </summary>
    public int? TransformationWidth { get; init; }

    /// <summary>How the pooled token goes into the shared space.</summary>
    public ProjectionKind Projection { get; init; } = ProjectionKind.Matrix;

    /// <summary>
    /// Whether rows have to be filled up to the context length with <see cref="PaddingId"/>, since other tokens see the padding, or the
    /// last position is pooled. Rows of other models may be cut to the longest of a batch.
    /// </summary>
    public bool NeedsFullRows => AppendedClassToken || !MaskPadding && (!Causal || Pooling is TextPooling.Last or TextPooling.None);

    /// <summary>Whether the tower is CLIP's own but for its sizes, which the prepared forms compute.</summary>
    internal bool IsClips => this == new TextConfig
    {
        ContextLength = ContextLength, VocabularySize = VocabularySize, Width = Width, Layers = Layers, Heads = Heads,
            MlpWidth = MlpWidth, LayerScale = LayerScale, Activation = Activation, LayerNormEpsilon = LayerNormEpsilon,
        EndOfTextId = EndOfTextId, PaddingId = PaddingId,
    };

    /// <summary>The width of what is projected.</summary>
    internal int PooledWidth => TransformationWidth ?? Width;

    /// <summary>Rows of the table of positions.</summary>
    internal int Positions => PositionRows ?? ContextLength + (AppendedClassToken ? 1 : 0);

    /// <summary>
    /// BERT's text tower, pooled at its first token: blocks that normalise their sums, token types, padding that nothing sees.
    /// </summary>
    /// <param name="shape">Sizes, to which the rest is added; its padding is set.</param>
    /// <param name="positionRows">Rows of the table of positions.</param>
    /// <param name="tokenTypes">Rows of the table of token types.</param>
    /// <param name="skipsPadding">Whether positions count what is not padding, as RoBERTa's do.</param>
    internal static TextConfig Bert(TextConfig shape, int positionRows, int tokenTypes, bool skipsPadding) => shape with
    {
        Block = new BlockOptions { Norm = NormPlacement.AfterSum },
        Causal = false,
        Pooling = TextPooling.First,
        MaskPadding = true,
        PositionsSkipPadding = skipsPadding,
        PositionRows = positionRows,
        TokenTypes = tokenTypes,
        NormBefore = true,
        NormAfter = false,
    };

    internal void Validate()
    {
        BlockShape.Validate("Text", Width, Layers, Heads, MlpWidth, LayerScale);
        Block.Validate("Text");
        if (ContextLength < 2) throw new ArgumentException($"Text.ContextLength is {ContextLength}; start and end token need at least 2.");
        if (VocabularySize < 2) throw new ArgumentException(
            $"Text.VocabularySize is {VocabularySize}; start and end token need at least 2.");
        if (EndOfTextId is { } id && (id < 0 || id >= VocabularySize))
            throw new ArgumentException($"Text.EndOfTextId is {id}; it must be below Text.VocabularySize ({VocabularySize}).");
        if (PaddingId < 0 || PaddingId >= VocabularySize) throw new ArgumentException($"Text.PaddingId is {PaddingId}; it must be " +
            $"below Text.VocabularySize ({VocabularySize}).");
        int needed = ContextLength + (PositionsSkipPadding ? PaddingId + 1 : AppendedClassToken ? 1 : 0);
        if (Positions < needed) throw new ArgumentException($"Text.PositionRows is {Positions}; a context of {ContextLength} " +
            $"needs {needed}.");
        if (TokenTypes < 0) throw new ArgumentException($"Text.TokenTypes is {TokenTypes}; it must be at least 0.");
        if (TransformationWidth < 1) throw new ArgumentException($"Text.TransformationWidth is {TransformationWidth}; it must be at " +
            $"least 1.");
        if (AppendedClassToken && Pooling != TextPooling.Last) throw new ArgumentException($"Text.AppendedClassToken is set and " +
            $"Text.Pooling is {Pooling}; the appended token is the last, which is then pooled.");
    }
}
