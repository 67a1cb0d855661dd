namespace ClipNotebooks.Search;

/// <summary>The progress of adding files.</summary>
/// <param name="Done">Files that are settled: committed, unchanged or unreadable.</param>
/// <param name="Total">Files that were found.</param>
/// <param name="Encoded">Of those done, the ones that went through the model.</param>
/// <param name="Unreadable">Files that could not be read, and folders that could not be listed.</param>
public readonly record struct IndexProgress(int Done, int Total, int Encoded, int Unreadable);
