using System.Text.Encodings.Web;
using System.Text.Json;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Search.Sharding;

/// <summary>What makes an index a shard: the file shard.json beside the index's own.</summary>
internal sealed record ShardManifest
{
    internal const string FileName = "shard.json";

    private const string ThisFormat = "clip-notebooks-shard";
    private const int ThisVersion = 1;

    private static readonly JsonSerializerOptions Layout =
        new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true };

    public string Format { get; init; } = ThisFormat;

    public int Version { get; init; } = ThisVersion;

    public required int Number { get; init; }

    public required int Count { get; init; }

    /// <summary>The folder whose files were split.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether all files of the shard have been seen since the embedding last began.</summary>
    public bool Complete { get; init; }

    /// <summary>How many images the index had when it became complete.</summary>
    public int Images { get; init; }

    /// <summary>Files that could not be read, and so are not in the index.</summary>
    public IReadOnlyList<UnreadableFile> Unreadable { get; init; } = [];

    internal Shard Shard => new(Number, Count);

    /// <summary>The folder that relative paths begin at; null for an index that has only images from memory.</summary>
    internal string? Root => Folder.Length > 0 ? Folder : null;

    /// <summary>The manifest of an index that is not a shard: it counts as the only shard of its folder.</summary>
    internal static ShardManifest OfIndex(string path)
    {
        using var index = ImageSearchIndex.Open(path);
        return new ShardManifest { Number = 1, Count = 1, Folder = index.Root ?? "", Complete = true, Images = index.Count };
    }

    internal void Write(string output)
    {
        Directory.CreateDirectory(output);
        AtomicFile.WriteLasting(Path.Combine(output, FileName), stream => JsonSerializer.Serialize(stream, this, Layout));
    }

    /// <summary>The manifest of a shard; null if the folder has none.</summary>
    /// <exception cref="InvalidDataException">The file was not written by this version of the library.</exception>
    internal static ShardManifest? TryRead(string output)
    {
        string path = Path.Combine(output, FileName);
        if (!File.Exists(path)) return null;
        ShardManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<ShardManifest>(File.ReadAllBytes(path), Layout);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path} cannot be read ({exception.Message}). Delete the folder {output} and embed the shard " +
                $"again.", exception);
        }
        if (manifest is not { Format: ThisFormat }) throw new InvalidDataException(
            $"{path} does not belong to a shard: it lacks \"format\": \"{ThisFormat}\".");
        if (manifest.Version != ThisVersion) throw new InvalidDataException(
            $"{path} is of version {manifest.Version}; this library reads version {ThisVersion}. Embed the shard again, or use the " +
            $"library that wrote it.");
        if (manifest.Number < 1 || manifest.Number > manifest.Count || manifest.Folder is not { Length: > 0 })
            throw new InvalidDataException($"{path} speaks of shard {manifest.Number}/{manifest.Count} of the folder " +
                $"\"{manifest.Folder}\", which there cannot be. Delete the folder {output} and embed the shard again.");
        return manifest;
    }
}
