using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search;

/// <summary>
/// How an index is made and how it adds images. Only <see cref="Storage"/> and <see cref="Root"/> are stored with the index.
/// </summary>
public sealed record IndexOptions
{
    /// <summary>How a new index keeps its vectors; an index that is opened keeps its own.</summary>
    public VectorStorage Storage { get; init; } = VectorStorage.Float32;

    /// <summary>
    /// The folder that relative paths begin at. Null: for a new index, the first folder that is added; for an existing one, the stored
    /// folder. Given on opening, it says where the images are now, if they were moved.
    /// </summary>
    public string? Root { get; init; }

    /// <summary>The decoder of files; by default <see cref="SkiaImageDecoder"/>, with <see cref="MaxPixels"/>.</summary>
    public IImageDecoder? Decoder { get; init; }

    /// <summary>
    /// The most pixels an image may have; a file whose header claims more is refused. Applies to the default decoder only.
    /// </summary>
    public long MaxPixels { get; init; } = SkiaImageDecoder.DefaultMaxPixels;

    /// <summary>The most bytes a file may have; a longer one is not read.</summary>
    public long MaxFileBytes { get; init; } = 256L << 20;

    /// <summary>Images encoded and committed at once: the most that a crash can lose. At least 1.</summary>
    public int BatchSize { get; init; } = ImageFiles.DefaultBatch;

    /// <summary>Threads that read, decode and resize files while the model encodes; the machine's cores by default. At least 1.</summary>
    public int ReadingThreads { get; init; } = Environment.ProcessorCount;

    /// <summary>Gives the keys and values to store with a file, from its path; called from several threads at once.</summary>
    public Func<string, IReadOnlyDictionary<string, string>?>? MetadataOf { get; init; }

    /// <summary>The endings, with the dot, of the files that are added from a folder; case does not matter.</summary>
    public IReadOnlyCollection<string> Extensions { get; init; } = ImageFiles.Extensions;
}
