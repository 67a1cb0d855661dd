namespace ClipNotebooks.Clip.Models;

/// <summary>The shape of the text transformer (paper, section 2.4). What is not set is as in CLIP.</summary>
public sealed record TextConfig
{
    /// <summary>The largest number of token ids in a row, start and end token included.</summary>
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
    /// The starting value of the factor that a block learns for each channel of its branches (OpenCLIP's <c>ls_init_value</c>); null, as in
    /// every published CLIP, for no such factors.
    /// </summary>
    public double? LayerScale { get; init; }

    /// <summary>
    /// The id of the end token, which is pooled where it first occurs. Null pools at the largest id of the row, since CLIP's end token has
    /// the largest id of the vocabulary (openai/CLIP <c>model.py</c>, and Hugging Face where <c>eos_token_id</c> is 2).
    /// </summary>
    public int? EndOfTextId { get; init; }

    /// <summary>The non-linearity of the blocks' MLPs where it differs from <see cref="ClipConfig.Activation"/>.</summary>
    public Activation? Activation { get; init; }

    /// <summary>ε of the layer normalisations where it differs from <see cref="ClipConfig.LayerNormEpsilon"/>.</summary>
    public double? LayerNormEpsilon { get; init; }

    /// <summary>How the blocks differ from CLIP's.</summary>
    public BlockOptions Block { get; init; } = BlockOptions.Clip;

    /// <summary>Whether attention is causal: a token attends only to itself and earlier tokens.</summary>
    public bool Causal { get; init; } = true;

    /// <summary>Which token is pooled.</summary>
    public TextPooling Pooling { get; init; } = TextPooling.EndOfText;

    /// <summary>The id of the padding; 0 where the tower ignores padding.</summary>
    public int PaddingId { get; init; }

    /// <summary>Whether attention masks out the padding (BERT, RoBERTa).</summary>
    public bool MaskPadding { get; init; }

    /// <summary>
    /// Whether a class token is appended to every row and pooled (OpenCLIP's <c>embed_cls</c>). Padding is then masked as CoCa's published
    /// weights were trained.
    /// </summary>
    public bool AppendedClassToken { get; init; }

    /// <summary>
    /// Whether positions number only the tokens that are not padding, from <see cref="PaddingId"/> + 1 (RoBERTa), instead of all tokens
    /// from 0.
    /// </summary>
    public bool PositionsSkipPadding { get; init; }

    /// <summary>Rows of the position embedding table where it has more than the context needs.</summary>
    public int? PositionRows { get; init; }

    /// <summary>Rows of BERT's token type table, whose first row is added to every token; 0 for no such table.</summary>
    public int TokenTypes { get; init; }

    /// <summary>Whether tokens are normalised before the first block (<c>ln_pre</c>; BERT).</summary>
    public bool NormBefore { get; init; }

    /// <summary>
    /// Whether tokens are normalised after the last block (<c>ln_final</c>); not needed after blocks that normalise their sums.
    /// </summary>
    public bool NormAfter { get; init; } = true;

    /// <summary>Whether the pooled token passes a linear layer and a tanh (BERT's pooler).</summary>
    public bool Pooler { get; init; }

    /// <summary>The output width of a linear layer before pooling (AltCLIP's <c>transformation</c>); null for no such layer.</summary>
    public int? TransformationWidth { get; init; }

    /// <summary>How the pooled token is projected into the shared space.</summary>
    public ProjectionKind Projection { get; init; } = ProjectionKind.Matrix;

    /// <summary>
    /// Whether rows must be padded to the context length with <see cref="PaddingId"/>, because other tokens attend to the padding or the
    /// last position is pooled. Rows for other models may be cut to the longest of a batch.
    /// </summary>
    public bool NeedsFullRows => AppendedClassToken || !MaskPadding && (!Causal || Pooling is TextPooling.Last or TextPooling.None);

    /// <summary>
    /// Whether the tower is CLIP's own except for its sizes. Prepared forms compute such a tower whole, of others at most the blocks.
    /// </summary>
    internal bool IsClips => this == new TextConfig
    {
        ContextLength = ContextLength, VocabularySize = VocabularySize, Width = Width, Layers = Layers, Heads = Heads,
            MlpWidth = MlpWidth, LayerScale = LayerScale, Activation = Activation, LayerNormEpsilon = LayerNormEpsilon,
        EndOfTextId = EndOfTextId, PaddingId = PaddingId,
    };

    /// <summary>The width of the vector that is projected.</summary>
    internal int PooledWidth => TransformationWidth ?? Width;

    /// <summary>Rows of the position embedding table.</summary>
    internal int Positions => PositionRows ?? ContextLength + (AppendedClassToken ? 1 : 0);

    /// <summary>BERT's text tower, pooled at its first token: blocks that normalise their sums, token types, masked padding.</summary>
    /// <param name="shape">The sizes and the padding's id; this method sets the rest.</param>
    /// <param name="positionRows">Rows of the position embedding table.</param>
    /// <param name="tokenTypes">Rows of the token type table.</param>
    /// <param name="skipsPadding">Whether positions skip the padding, as RoBERTa's do.</param>
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
