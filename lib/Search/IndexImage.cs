using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Search;

/// <summary>An image in memory that is to be indexed.</summary>
/// <param name="Id">Its name in the index; not empty.</param>
/// <param name="Image">Any size.</param>
/// <param name="Metadata">Keys and values to store with it.</param>
public sealed record IndexImage(string Id, RasterImage Image, IReadOnlyDictionary<string, string>? Metadata = null);
