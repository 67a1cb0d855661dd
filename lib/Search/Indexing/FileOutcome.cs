using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Indexing;

/// <summary>What the reading of a file came to: exactly one of the parts below, or none where the file is as it was.</summary>
/// <param name="File">The file.</param>
internal sealed record FileOutcome(FoundFile File)
{
    /// <summary>(3, R, R), normalised: ready for the model.</summary>
    internal float[]? Pixels { get; init; }

    /// <summary>What is to be stored, with <see cref="Pixels"/>.</summary>
    internal StoredEntry? Entry { get; init; }

    /// <summary>The bytes are as they were, only the file's time is new.</summary>
    internal bool Touched { get; init; }

    /// <summary>Why the file could not be read.</summary>
    internal string? Failure { get; init; }

    /// <summary>The file was read, and is no image: what was indexed under its name is no longer true.</summary>
    internal bool NoImage { get; init; }
}
