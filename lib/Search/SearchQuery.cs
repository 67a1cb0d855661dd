using System.Collections.Immutable;
using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Search;

/// <summary>
/// A point in CLIP's space, combined from texts, images and embeddings: the sum of weight × unit vector, normalised again. <c>new
/// SearchQuery().Plus(photo).Plus("at night", 0.5).Minus("people", 0.3)</c>. Immutable: each call gives a new query.
/// </summary>
public sealed record SearchQuery
{
    internal ImmutableList<Term> Terms { get; private init; } = [];

    /// <summary>Adds a text: results are to be more like it.</summary>
    /// <param name="text">A caption.</param>
    /// <param name="weight">The term's weight; finite.</param>
    /// <exception cref="ArgumentException">The text is empty or white space.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The weight is not finite.</exception>
    public SearchQuery Plus(string text, double weight = 1)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        return With(new Term(text, null, null, weight));
    }

    /// <summary>Adds an image: results are to be more like it.</summary>
    /// <param name="image">Any size.</param>
    /// <param name="weight">The term's weight; finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">The weight is not finite.</exception>
    public SearchQuery Plus(RasterImage image, double weight = 1)
    {
        ArgumentNullException.ThrowIfNull(image);
        return With(new Term(null, image, null, weight));
    }

    /// <summary>Adds an embedding: results are to be more like it.</summary>
    /// <param name="embedding">(E) values of any norm but 0.</param>
    /// <param name="weight">The term's weight; finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">The weight is not finite.</exception>
    public SearchQuery Plus(ReadOnlySpan<float> embedding, double weight = 1) => With(new Term(null, null, embedding.ToArray(), weight));

    /// <summary>Subtracts a text: results are to be less like it.</summary>
    /// <inheritdoc cref="Plus(string, double)"/>
    public SearchQuery Minus(string text, double weight = 1) => Plus(text, -weight);

    /// <summary>Subtracts an image: results are to be less like it.</summary>
    /// <inheritdoc cref="Plus(RasterImage, double)"/>
    public SearchQuery Minus(RasterImage image, double weight = 1) => Plus(image, -weight);

    /// <summary>Subtracts an embedding: results are to be less like it.</summary>
    /// <inheritdoc cref="Plus(ReadOnlySpan{float}, double)"/>
    public SearchQuery Minus(ReadOnlySpan<float> embedding, double weight = 1) => Plus(embedding, -weight);

    private SearchQuery With(Term term)
    {
        if (!double.IsFinite(term.Weight)) throw new ArgumentOutOfRangeException(
            nameof(term), $"The weight {term.Weight} is not a number that can be added.");
        return this with { Terms = Terms.Add(term) };
    }

    /// <summary>One of text, image and embedding, with its weight.</summary>
    internal sealed record Term(string? Text, RasterImage? Image, float[]? Embedding, double Weight);
}
