namespace ClipNotebooks.Core.Hub;

/// <summary>How far the download of one file is.</summary>
/// <param name="File">Its name in the repository.</param>
/// <param name="Done">Bytes that have arrived.</param>
/// <param name="Total">Bytes of the whole file.</param>
public readonly record struct HubProgress(string File, long Done, long Total);
