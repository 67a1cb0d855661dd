namespace ClipNotebooks.Search;

/// <summary>A file or folder that was left out.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Reason">Why, in a sentence.</param>
public sealed record UnreadableFile(string Path, string Reason);
