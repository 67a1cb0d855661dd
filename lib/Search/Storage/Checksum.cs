using System.Numerics;
using System.Runtime.InteropServices;

namespace ClipNotebooks.Search.Storage;

/// <summary>CRC-32C (Castagnoli), by the processor's instruction where it has one.</summary>
internal static class Checksum
{
    internal static uint Of(ReadOnlySpan<byte> bytes, uint seed = 0)
    {
        uint crc = ~seed;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (byte last in bytes[(8 * words.Length)..]) crc = BitOperations.Crc32C(crc, last);
        return ~crc;
    }
}
