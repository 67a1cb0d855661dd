namespace ClipNotebooks.Search;

/// <summary>How far the adding of files has come.</summary>
/// <param name="Done">Files that are settled: committed, unchanged or unreadable.</param>
/// <param name="Total">Files that were found.</param>
/// <param name="Encoded">Of those done, the ones that went through the model.</param>
/// <param name="Unreadable">Of those done, the ones that could not be read.</param>
public readonly record struct IndexProgress(int Done, int Total, int Encoded, int Unreadable);
