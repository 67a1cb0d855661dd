using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Rows;

/// <summary>A row of a query's result.</summary>
/// <param name="Entry">The stored entry.</param>
/// <param name="Vector">(E), where vectors were asked for.</param>
/// <param name="Score">The cosine similarity, where a point was given; otherwise 0.</param>
internal readonly record struct Row(StoredEntry Entry, float[]? Vector, float Score);
