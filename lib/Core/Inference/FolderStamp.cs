using System.Security.Cryptography;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Inference;

/// <summary>Identifies a model's files without reading them whole (<see cref="IClipEncoder.SourceStamp"/>).</summary>
internal static class FolderStamp
{
    /// <summary>
    /// The bytes read of each file: room for the header of safetensors or ONNX, which names every tensor, its type and its shape.
    /// </summary>
    private const int Head = 1 << 16;

    /// <summary>A folder with more files is not a model's own: it holds pictures, or a whole disk, beside a model.</summary>
    private const int Most = 200;

    /// <param name="folder">The model's folder.</param>
    /// <param name="options">What else determines the embeddings of the model opened from the folder.</param>
    /// <param name="below">A subfolder that holds files of the model too.</param>
    /// <returns>
    /// 64 hexadecimal digits: SHA-256 of the folder's path, and of the name, the length, the time of the last change and the first 64 KiB
    /// of each file in it. Null if one of them cannot be read, or there are more than 200.
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
                    // Reading a pipe would block; the code that needs this file reports what is wrong with it.
                    ModelFingerprint.Append(hash, $"{name}: {fault}");
                    continue;
                }
                // Describes a link's target, since the Hub's cache holds links.
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
