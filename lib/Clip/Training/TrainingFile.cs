using System.Security.Cryptography;
using System.Text;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Clip.Training;

/// <summary>A file that ends with the SHA-256 of the preceding bytes, so that each changed, missing or added byte is noticed.</summary>
internal static class TrainingFile
{
    /// <summary>Writes the whole file or nothing; it is flushed to disk before it gets its name.</summary>
    internal static void Write(string path, Action<BinaryWriter> write) => AtomicFile.Write(path, stream =>
    {
        using var sha = SHA256.Create();
        using (var hashed = new CryptoStream(stream, sha, CryptoStreamMode.Write, leaveOpen: true))
        using (var buffered = new BufferedStream(hashed, 1 << 20))
        using (var writer = new BinaryWriter(buffered, Encoding.UTF8))
            write(writer);
        stream.Write(sha.Hash);
    }, flush: true);

    /// <summary>Checks a file's checksum, and opens the file at its beginning.</summary>
    /// <exception cref="InvalidDataException">The checksum does not fit the content.</exception>
    internal static BinaryReader Open(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        try
        {
            if (!IsWhole(stream)) throw new InvalidDataException("it is damaged or cut short: its checksum does not fit its content");
            stream.Position = 0;
            return new BinaryReader(stream, Encoding.UTF8);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static bool IsWhole(FileStream stream)
    {
        long content = stream.Length - SHA256.HashSizeInBytes;
        if (content < 0) return false;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[1 << 20];
        for (long left = content; left > 0;)
        {
            int read = stream.Read(block, 0, (int)Math.Min(block.Length, left));
            if (read == 0) return false;
            hash.AppendData(block, 0, read);
            left -= read;
        }
        var expected = new byte[SHA256.HashSizeInBytes];
        stream.ReadExactly(expected);
        return hash.GetHashAndReset().AsSpan().SequenceEqual(expected);
    }
}
