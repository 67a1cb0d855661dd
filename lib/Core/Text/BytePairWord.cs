using System.Runtime.InteropServices;
using ClipNotebooks.Core.Text.Pipeline;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// Merges the symbols of long words as CLIP does: the pair of the lowest rank first, all its occurrences from left to right. Its time grows
/// with the word's length, not with the square of it: each rank has a list of the places where its merge may apply, and ranks are taken in
/// order. Thread-safe.
/// </summary>
internal sealed class BytePairWord
{
    private readonly Dictionary<long, (int Rank, int Id)> _merges;
    private readonly int[] _inside = new int[256];
    private readonly int[] _last = new int[256];
    private readonly int _ranks;
    private readonly long _symbols;

    internal BytePairWord(Vocabulary vocabulary)
    {
        (_ranks, _symbols) = (vocabulary.Merges.Count, vocabulary.Tokens.Count);
        _merges = vocabulary.Merges.Index().ToDictionary(
            merge => Pair(vocabulary.Ids[merge.Item.Left], vocabulary.Ids[merge.Item.Right]),
            merge => (merge.Index, vocabulary.Ids[merge.Item.Left + merge.Item.Right]));
        for (int value = 0; value < 256; value++)
        {
            char symbol = ByteSymbols.Of((byte)value);
            (_inside[value], _last[value]) = (vocabulary.Ids[$"{symbol}"], vocabulary.Ids[symbol + ClipTokenizer.EndOfWord]);
        }
    }

    /// <summary>The ids of a word.</summary>
    /// <param name="bytes">Its UTF-8, at least a byte.</param>
    internal List<int> Encode(ReadOnlySpan<byte> bytes)
    {
        int count = bytes.Length;
        // A symbol is at the place of its first byte; next and previous are its neighbours' places. An id of −1 marks a place that a merge
        // has emptied.
        var (ids, next, previous) = (new int[count], new int[count], new int[count]);
        for (int at = 0; at < count; at++)
            (ids[at], next[at], previous[at]) = (at == count - 1 ? _last[bytes[at]] : _inside[bytes[at]], at + 1, at - 1);
        var places = new List<int>?[_ranks];
        int lowest = _ranks;
        for (int at = 0; at < count - 1; at++) Note(at);
        while (lowest < _ranks)
        {
            int rank = lowest++;
            if (places[rank] is not { } found) continue;
            places[rank] = null;
            var ordered = CollectionsMarshal.AsSpan(found);
            if (!IsAscending(ordered)) ordered.Sort();
            foreach (int at in ordered)
            {
                int right = next[at];
                if (ids[at] < 0 || right == count) continue;
                if (!_merges.TryGetValue(Pair(ids[at], ids[right]), out var merge) || merge.Rank != rank) continue;
                (ids[at], ids[right], next[at]) = (merge.Id, -1, next[right]);
                if (next[at] < count) previous[next[at]] = at;
                Note(at);
                if (previous[at] >= 0) Note(previous[at]);
            }
        }
        var merged = new List<int>();
        foreach (int id in ids)
            if (id >= 0) merged.Add(id);
        return merged;

        void Note(int at)
        {
            if (next[at] == count || !_merges.TryGetValue(Pair(ids[at], ids[next[at]]), out var merge)) return;
            (places[merge.Rank] ??= []).Add(at);
            lowest = Math.Min(lowest, merge.Rank);
        }
    }

    private static bool IsAscending(ReadOnlySpan<int> places)
    {
        for (int i = 1; i < places.Length; i++)
            if (places[i - 1] > places[i]) return false;
        return true;
    }

    // A pair as one number, which fits 32 bits for the usual vocabularies. With the two ids in two halves of 32 bits, all pairs of equal
    // ids would have the same hash.
    private long Pair(int left, int right) => left * _symbols + right;
}
