namespace ClipNotebooks.Workbook.Scenes;

/// <summary>SplitMix64: the same numbers on every machine and every version of .NET, from one 64-bit seed.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    public static ulong Seed(params ReadOnlySpan<ulong> parts)
    {
        ulong seed = 0x243F6A8885A308D3;
        foreach (ulong part in parts)
            seed = new Dice(seed ^ part).Bits();
        return seed;
    }

    public ulong Bits()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public int Below(int count) => (int)(Bits() % (ulong)count);

    public float Between(float low, float high) => low + ((high - low) * (Bits() >> 40) / (1 << 24));

    public T Of<T>(IReadOnlyList<T> list) => list[Below(list.Count)];
}
