namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>Turns a text into pieces with their ids, and back: the core of a <see cref="PipelineTokenizer"/>.</summary>
internal interface ITextPipeline
{
    /// <summary>The tokens in the order of their ids; an id that is not used has an empty one.</summary>
    IReadOnlyList<string> Tokens { get; }

    /// <summary>The ids at the start of a row.</summary>
    int[] Start { get; }

    /// <summary>The ids at its end.</summary>
    int[] End { get; }

    /// <summary>The id that fills rows, if the tokenizer's own file names one.</summary>
    int? Padding { get; }

    /// <summary>The pieces of a text with their ids.</summary>
    IEnumerable<(string Piece, int[] Ids)> Encode(string text);

    /// <summary>Turns tokens back into text.</summary>
    string Decode(IReadOnlyList<string> tokens);
}

/// <summary>The steps of a tokenizer.json: added tokens, normaliser, pieces, subwords.</summary>
internal sealed record TextPipeline : ITextPipeline
{
    /// <inheritdoc/>
    public required IReadOnlyList<string> Tokens { get; init; }

    /// <inheritdoc/>
    public required int[] Start { get; init; }

    /// <inheritdoc/>
    public required int[] End { get; init; }

    /// <inheritdoc/>
    public int? Padding { get; init; }

    /// <summary>The learnt part: from pieces to ids.</summary>
    internal required ISubwords Subwords { get; init; }

    /// <summary>Tokens that are looked for in the text as it is.</summary>
    internal required AddedTokens Added { get; init; }

    /// <summary>Tokens that are looked for in the normalised text.</summary>
    internal required AddedTokens AddedNormalized { get; init; }

    /// <summary>Normalises the text between added tokens.</summary>
    internal required Func<string, string> Normalize { get; init; }

    /// <summary>Splits the normalised text into pieces.</summary>
    internal required TextSplitters.Splitter Split { get; init; }

    /// <summary>Turns tokens into a text.</summary>
    internal required Func<IReadOnlyList<string>, string> Join { get; init; }

    /// <inheritdoc/>
    public IEnumerable<(string Piece, int[] Ids)> Encode(string text)
    {
        bool isFirst = true;
        foreach (var (part, token) in Added.Split(text))
        {
            foreach (var (inner, innerToken) in token is null ? AddedNormalized.Split(Normalize(part)) : [(part, token)])
            {
                if (innerToken is not null)
                {
                    yield return (inner, [innerToken.Id]);
                }
                else
                {
                    foreach (string piece in Split(inner, isFirst))
                    {
                        var ids = new List<int>();
                        Subwords.Encode(piece, ids);
                        yield return (piece, [.. ids]);
                    }
                }
                isFirst = false;
            }
        }
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<string> tokens) => Join(tokens);
}
