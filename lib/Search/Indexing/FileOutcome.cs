using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Indexing;

/// <summary>
/// The result of reading a file: <see cref="Pixels"/> with <see cref="Entry"/>; or <see cref="Touched"/>; or <see cref="Failure"/>, with
/// <see cref="NoImage"/> if the file was read; or none of these if the file is unchanged.
/// </summary>
/// <param name="File">The file.</param>
internal sealed record FileOutcome(FoundFile File)
{
    /// <summary>(3, R, R), normalised: ready for the model.</summary>
    internal float[]? Pixels { get; init; }

    /// <summary>The entry to store, together with <see cref="Pixels"/>.</summary>
    internal StoredEntry? Entry { get; init; }

    /// <summary>Whether only the file's time is new, and its bytes are unchanged.</summary>
    internal bool Touched { get; init; }

    /// <summary>Why the file could not be read or decoded.</summary>
    internal string? Failure { get; init; }

    /// <summary>Whether the file was read and is not an image, so that an entry under its name is out of date.</summary>
    internal bool NoImage { get; init; }
}
