using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ClipNotebooks.Search.Sharding;

/// <summary>
/// One of N parts of a folder's files, which N machines embed independently. A file's part depends only on its path below the folder: not
/// on where the folder is mounted, in what order it is listed, or which other files it holds. If a list of the files were cut into runs
/// instead, one new file would shift all later ones.
/// </summary>
/// <remarks>
/// The first 8 bytes of the SHA-256 of the path in UTF-8, read as a big-endian number, modulo N. A part's size varies by about its square
/// root: of 100 million files in 64 parts, each has 1,562,500, plus or minus about 1,300.
/// </remarks>
public sealed record Shard
{
    /// <summary>Makes the shard of a number.</summary>
    /// <param name="number">From 1 to <paramref name="count"/>.</param>
    /// <param name="count">N, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public Shard(int number, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, count);
        (Number, Count) = (number, count);
    }

    /// <summary>Which of the N, from 1.</summary>
    public int Number { get; }

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">Such as 3/64, the third of 64.</param>
    /// <exception cref="FormatException">The text is not a shard; the message says why.</exception>
    public static Shard Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('/');
        if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count))
            throw new FormatException($"\"{text}\" is no shard: two numbers are expected, such as 3/64 for the third of 64.");
        if (count < 1 || number < 1 || number > count) throw new FormatException(
            $"There is no shard {text}: the first number goes from 1 to the second.");
        return new Shard(number, count);
    }

    /// <summary>Whether a file belongs to this part.</summary>
    /// <param name="path">Its path below the folder, with '/' between folders: <see cref="IndexEntry.Id"/>.</param>
    public bool Holds(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(path))) % (ulong)Count == (ulong)(Number - 1);
    }

    /// <summary>Such as 3/64.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}/{Count}");
}
