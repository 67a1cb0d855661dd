using System.Security.Cryptography;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Inference;

/// <summary>What a model's files are known again by without being read whole (<see cref="IClipEncoder.SourceStamp"/>).</summary>
internal static class FolderStamp
{
    /// <summary>Room for a header of safetensors or ONNX, which names every tensor, its type and its shape.</summary>
    private const int Head = 1 << 16;

    /// <summary>More is no model's folder, but one of pictures or of the disk, with a model in it.</summary>
    private const int Most = 200;

    /// <param name="folder">The model's.</param>
    /// <param name="options">What else decides the embeddings of the model that is opened from it.</param>
    /// <param name="below">A folder in it that has files of the model too.</param>
    /// <returns>
    /// 64 hexadecimal digits: SHA-256 of the folder's path, and of the name, the length, the time of the last change and the first 64 KiB
    /// of each file in it. Null where one of them cannot be read, or there are more than a model has.
    /// </returns>
    internal static string? Of(string folder, string options, string? below = null)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            ModelFingerprint.Append(hash, $"{Path.GetFullPath(folder)} {options}");
            string? inner = below is not null && Directory.Exists(Path.Combine(folder, below)) ? Path.Combine(folder, below) : null;
            string[] files = [.. Directory.EnumerateFiles(folder).Concat(inner is null ? [] : Directory.EnumerateFiles(inner))
                .Take(Most + 1).Order(StringComparer.Ordinal)];
            if (files.Length > Most) return null;
            byte[] head = new byte[Head];
            foreach (string path in files)
            {
                string name = Path.GetRelativePath(folder, path);
                if (ModelFile.Fault(path) is { } fault)
                {
                    // A pipe would be waited for; who needs this file says what is wrong with it.
                    ModelFingerprint.Append(hash, $"{name}: {fault}");
                    continue;
                }
                // Of the file itself, where the folder holds a link to it, as the Hub's cache does.
                using var file = File.OpenHandle(path);
                ModelFingerprint.Append(hash, FormattableString.Invariant(
                    $"{name} {RandomAccess.GetLength(file)} {File.GetLastWriteTimeUtc(file).Ticks}"));
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
