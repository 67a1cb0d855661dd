namespace ClipNotebooks.Search;

/// <summary>An image that was found.</summary>
/// <param name="Id">Its name in the index (<see cref="IndexEntry.Id"/>).</param>
/// <param name="Path">Where the file is; null for an image from memory.</param>
/// <param name="Score">The cosine similarity to the query, −1 to 1.</param>
/// <param name="Metadata">The keys and values stored with it.</param>
public sealed record SearchResult(string Id, string? Path, float Score, IReadOnlyDictionary<string, string> Metadata);
