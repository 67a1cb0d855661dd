namespace ClipNotebooks.Search;

/// <summary>The result of adding files. Names are those of <see cref="IndexEntry.Id"/>, sorted.</summary>
public sealed record IndexReport
{
    /// <summary>Images that are new.</summary>
    public required IReadOnlyList<string> Added { get; init; }

    /// <summary>Images whose file has other bytes than before.</summary>
    public required IReadOnlyList<string> Updated { get; init; }

    /// <summary>Images whose file is unchanged: same length and time, or same bytes.</summary>
    public required IReadOnlyList<string> Unchanged { get; init; }

    /// <summary>Images whose file is gone, or is no image any more.</summary>
    public required IReadOnlyList<string> Removed { get; init; }

    /// <summary>
    /// Files and folders that could not be read, with the reason. An image that was indexed before stays, unless its file is no image any
    /// more.
    /// </summary>
    public required IReadOnlyList<UnreadableFile> Unreadable { get; init; }

    /// <summary>The counts in one line.</summary>
    public override string ToString() =>
        $"{Added.Count} added, {Updated.Count} updated, {Unchanged.Count} unchanged, " +
        $"{Removed.Count} removed, {Unreadable.Count} unreadable";
}
