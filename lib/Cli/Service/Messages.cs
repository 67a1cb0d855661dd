using System.ComponentModel;

namespace ClipNotebooks.Cli.Service;

internal sealed record TextsRequest(
    [property: Description("Captions, each cut at the model's context length.")] IReadOnlyList<string>? Texts);

internal sealed record TextEmbeddings(
    string? Model, [property: Description("E, the length of an embedding.")] int Width,
    [property: Description("One for each caption, in order, of length 1.")] IReadOnlyList<float[]> Embeddings);

internal sealed record ImageEmbedding(
    [property: Description("What the client called the file.")] string Name,
    [property: Description("E numbers, of length 1.")] float[] Embedding);

internal sealed record ImageEmbeddings(string? Model, int Width, IReadOnlyList<ImageEmbedding> Embeddings);

internal sealed record LabelAnswer(string Label, [property: Description("0 to 1.")] double Probability);

internal sealed record Classification(
    [property: Description("Whether each probability stands by itself; else they sum to 1.")] bool IsIndependent,
    [property: Description("The most probable first.")] IReadOnlyList<LabelAnswer> Classes);

internal sealed record SearchTerm
{
    [Description("What pictures shall show.")]
    public string? Text { get; init; }

    [Description("The id of a picture of the index.")]
    public string? Id { get; init; }

    [Description("The name of a form's field with a picture's file.")]
    public string? Image { get; init; }

    [Description("How much; below 0 for what pictures shall not show. Default 1.")]
    public double Weight { get; init; } = 1;
}

internal sealed record SearchRequest
{
    [Description("Each with one of text, id and image; the query is their weighted sum.")]
    public IReadOnlyList<SearchTerm>? Terms { get; init; }

    [Description("By key of the metadata, the values of which a picture has to have one.")]
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Filter { get; init; }

    [Description("How many results, 1 to 200. Default 20.")]
    public int Top { get; init; } = 20;

    [Description("How many of the best are left out: 20 gives the second page.")]
    public int Skip { get; init; }

    [Description("The least cosine similarity, -1 to 1.")]
    public double MinScore { get; init; } = -1;
}

internal sealed record FoundImage(
    string Id, [property: Description("The cosine similarity to the query; null where nothing was asked for.")] float? Score,
    IReadOnlyDictionary<string, string> Metadata,
    [property: Description("The address of a small picture; null where there is no picture to show.")] string? Thumbnail,
    [property: Description("The address of the picture as it was added.")] string? Original);

internal sealed record FoundImages(
    [property: Description("The most similar first.")] IReadOnlyList<FoundImage> Results,
    [property: Description("Whether there are more behind these.")] bool More);

internal sealed record FacetValue(string Value, int Count);

internal sealed record Facet(string Key, IReadOnlyList<FacetValue> Values);

internal sealed record Facets([property: Description(
    "Keys of the metadata that group pictures: with two values or more, of which several pictures share one.")]
    IReadOnlyList<Facet> Keys);

internal sealed record AddedImage(string Id, [property: Description("Whether it took the place of one with the same id.")] bool Replaced);

internal sealed record Health(
    string Status, string? Model, int Width,
    [property: Description("How many can be found; null where the service has no index.")] int? Images,
    [property: Description("Images and captions that wait for the model.")] int Waiting,
    [property: Description("Whether requests need a key.")] bool NeedsKey);
