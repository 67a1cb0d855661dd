namespace ClipNotebooks.Cli.Service;

/// <summary>The kind of a picture by its first bytes; its file name and what the client says of it are ignored.</summary>
internal static class PictureKind
{
    /// <summary>How many bytes are looked at.</summary>
    internal const int Length = 12;

    /// <summary>The media type; null if it is not a kind of picture that can be read.</summary>
    internal static string? Of(ReadOnlySpan<byte> start) =>
        start.StartsWith<byte>([0xff, 0xd8, 0xff]) ? "image/jpeg"
        : start.StartsWith<byte>([0x89, (byte)'P', (byte)'N', (byte)'G']) ? "image/png"
        : start.StartsWith("GIF8"u8) ? "image/gif"
        : start.StartsWith("BM"u8) ? "image/bmp"
        : start.Length >= Length && start.StartsWith("RIFF"u8) && start[8..].StartsWith("WEBP"u8) ? "image/webp"
        : null;
}
