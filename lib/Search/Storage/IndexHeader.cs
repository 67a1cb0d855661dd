using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClipNotebooks.Search.Storage;

/// <summary>The journal's first record: what the index is, and which file holds its vectors.</summary>
internal sealed record IndexHeader
{
    internal const string ThisFormat = "clip-notebooks-index";
    internal const int ThisVersion = 1;

    public string Format { get; init; } = ThisFormat;

    public int Version { get; init; } = ThisVersion;

    /// <summary>The number of compactions plus 1; each generation has its own file of vectors.</summary>
    public required int Generation { get; init; }

    /// <summary>E, the width of an embedding.</summary>
    public required int Width { get; init; }

    public required string Storage { get; init; }

    /// <summary>The fingerprint of the model that made the vectors.</summary>
    public required string Model { get; init; }

    /// <summary>
    /// The stamp of the files that the model was opened from; null if it has none, or if the library version that made the index stored
    /// none.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SourceStamp { get; init; }

    /// <summary>The model in words, for messages.</summary>
    public required string ModelSummary { get; init; }

    internal string VectorsName => VectorsNameOf(Generation);

    internal VectorStorage VectorStorage => Enum.Parse<VectorStorage>(Storage);

    internal int RowBytes => Width * (VectorStorage == VectorStorage.Float16 ? 2 : 4);

    internal static string VectorsNameOf(int generation) => generation == 1 ? "vectors.bin" : $"vectors-{generation}.bin";

    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

    /// <exception cref="InvalidDataException">The header is of another format or version, or a value in it is out of range.</exception>
    internal static IndexHeader Parse(ReadOnlySpan<byte> bytes, string path)
    {
        IndexHeader? header;
        try
        {
            header = JsonSerializer.Deserialize<IndexHeader>(bytes);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} is not the journal of an image index: its header cannot be read ({exception.Message}).",
                exception);
        }
        if (header is not { Format: ThisFormat }) throw new InvalidDataException(
            $"{path} is not the journal of an image index: its header lacks \"Format\": \"{ThisFormat}\".");
        if (header.Version != ThisVersion)
            throw new InvalidDataException($"{path} is of version {header.Version}; this library reads version {ThisVersion}. Index the " +
                $"images again, or use the library that wrote it.");
        if (header.Model is not { Length: > 0 } || header.Width is < 1 or > 1 << 20 || header.Generation < 1
            || !Enum.TryParse<VectorStorage>(header.Storage, out var storage) || !Enum.IsDefined(storage))
            throw new InvalidDataException($"{path}: its header has width {header.Width}, generation {header.Generation}, storage " +
                $"\"{header.Storage}\", model \"{header.Model}\", which no index has.");
        return header;
    }
}
