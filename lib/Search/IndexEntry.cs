namespace ClipNotebooks.Search;

/// <summary>An image of a store.</summary>
/// <param name="Id">
/// Its name, unique in the store: a file's path relative to <see cref="ImageStore.Root"/> with '/' between folders, or absolute where the
/// file lies elsewhere; for an image from memory, the name that was given.
/// </param>
/// <param name="Path">Where the file is; null for an image from memory.</param>
/// <param name="Metadata">The keys and values stored with it.</param>
public sealed record IndexEntry(string Id, string? Path, IReadOnlyDictionary<string, string> Metadata);
