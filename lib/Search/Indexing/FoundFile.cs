namespace ClipNotebooks.Search.Indexing;

/// <summary>A file that is to be indexed.</summary>
/// <param name="Id">Its name in the index.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Length">In bytes; −1 if it could not be determined.</param>
/// <param name="Modified">When it was last written, in ticks of UTC.</param>
internal readonly record struct FoundFile(string Id, string Path, long Length, long Modified);
