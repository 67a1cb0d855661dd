using System.Text;

namespace ClipNotebooks.Clip.Tests;

/// <summary>Damaged copies of a sound file, for readers that must load or refuse them.</summary>
internal static class Mutation
{
    /// <summary>
    /// One to four changes: a bit, a byte, a number at its limits, a piece cut out, doubled or put elsewhere, an end cut off; in words, a
    /// digit or a sign.
    /// </summary>
    /// <param name="random">Fixes the changes.</param>
    /// <param name="whole">A sound file; stays as it is.</param>
    /// <param name="within">How many of the first bytes are changed.</param>
    internal static byte[] Of(Random random, byte[] whole, int within = int.MaxValue)
    {
        var bytes = whole.ToList();
        for (int changes = random.Next(1, 5); changes > 0 && bytes.Count > 1; changes--)
        {
            int limit = Math.Min(within, bytes.Count), at = random.Next(limit), length = Math.Min(random.Next(1, 33), limit - at);
            switch (random.Next(9))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2:
                    byte[] number = BitConverter.GetBytes(random.GetItems(
                        [0L, 1, -1, int.MaxValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 40], 1)[0]);
                    for (int i = 0; i < 8 && at + i < bytes.Count; i++) bytes[at + i] = number[i];
                    break;
                case 3: bytes.RemoveRange(at, length); break;
                case 4: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                case 5: bytes.InsertRange(random.Next(limit), bytes.GetRange(at, length)); break;
                case 6: bytes.RemoveRange(at, bytes.Count - at); break;
                case 7: bytes[at] = (byte)"0123456789-{}[]\",:.e"[random.Next(20)]; break;
                default: bytes.InsertRange(at, Encoding.ASCII.GetBytes(
                    random.GetItems(["99999999999", "-1", "null", "[]", "{}", "1e99", "\"\"", ".", "(", "t", "R", "b", "\u0001"],
                    1)[0])); break;
            }
        }
        return [.. bytes];
    }
}
