using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Rows;

/// <summary>A row that was asked for.</summary>
/// <param name="Entry">What is stored.</param>
/// <param name="Vector">(E), where vectors were asked for.</param>
/// <param name="Score">The cosine similarity, where a point was given.</param>
internal readonly record struct Row(StoredEntry Entry, float[]? Vector, float Score);
