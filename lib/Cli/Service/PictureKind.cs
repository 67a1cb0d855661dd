namespace ClipNotebooks.Cli.Service;

/// <summary>What a picture's first bytes say that it is: names of files and what a client says of them are not asked.</summary>
internal static class PictureKind
{
    /// <summary>How many bytes are looked at.</summary>
    internal const int Length = 12;

    /// <summary>The media type; null where it is no picture that is read.</summary>
    internal static string? Of(ReadOnlySpan<byte> start) =>
        start.StartsWith<byte>([0xff, 0xd8, 0xff]) ? "image/jpeg"
        : start.StartsWith<byte>([0x89, (byte)'P', (byte)'N', (byte)'G']) ? "image/png"
        : start.StartsWith("GIF8"u8) ? "image/gif"
        : start.StartsWith("BM"u8) ? "image/bmp"
        : start.Length >= Length && start.StartsWith("RIFF"u8) && start[8..].StartsWith("WEBP"u8) ? "image/webp"
        : null;
}
