using System.Security.Cryptography;

namespace ClipNotebooks.Core.Inference;

/// <summary>What a model's files are known again by without being read whole (<see cref="IClipEncoder.SourceStamp"/>).</summary>
internal static class FolderStamp
{
    /// <summary>Room for a header of safetensors or ONNX, which names every tensor, its type and its shape.</summary>
    private const int Head = 1 << 16;

    private static readonly EnumerationOptions Below = new() { RecurseSubdirectories = true, MaxRecursionDepth = 1 };

    /// <param name="folder">The model's.</param>
    /// <param name="options">What else decides the embeddings of the model that is opened from it.</param>
    /// <returns>
    /// 64 hexadecimal digits: SHA-256 of the folder's path, and of the name, the length, the time of the last change and the first 64 KiB
    /// of each file in it. Null where one of them cannot be read.
    /// </returns>
    internal static string? Of(string folder, string options)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            ModelFingerprint.Append(hash, $"{Path.GetFullPath(folder)} {options}");
            byte[] head = new byte[Head];
            foreach (string path in Directory.EnumerateFiles(folder, "*", Below).Order(StringComparer.Ordinal))
            {
                // Of the file itself, where the folder holds a link to it, as the Hub's cache does.
                using var file = File.OpenHandle(path);
                ModelFingerprint.Append(hash, FormattableString.Invariant(
                    $"{Path.GetRelativePath(folder, path)} {RandomAccess.GetLength(file)} {File.GetLastWriteTimeUtc(file).Ticks}"));
                hash.AppendData(head, 0, RandomAccess.Read(file, head, 0));
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
