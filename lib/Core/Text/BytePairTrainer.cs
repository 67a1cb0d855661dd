using System.Text.Encodings.Web;
using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Text.Cleaning;
using ClipNotebooks.Core.Text.Pipeline;

namespace ClipNotebooks.Core.Text;

/// <summary>
/// Learns a byte-pair vocabulary from captions (Sennrich et al. 2016, arXiv:1508.07909, as CLIP uses it): the pair of neighbours that
/// occurs most often becomes one symbol, again and again. The result depends on the captions' words and their counts alone; of equal counts
/// the pair that is first in ordinal order wins.
/// </summary>
public static class BytePairTrainer
{
    private static readonly JsonSerializerOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Learns a vocabulary, and writes vocab.json and merges.txt in CLIP's formats. The ids are those of 256 bytes, 256 bytes that end a
    /// word, the merges, start and end.
    /// </summary>
    /// <param name="captions">The captions; they are cleaned as the tokenizer does.</param>
    /// <param name="vocabularySize">The number of ids to reach, at least 514; there are fewer if the captions run out of pairs.</param>
    /// <param name="folder">Where to write; created if missing.</param>
    /// <returns>The number of ids.</returns>
    /// <exception cref="ArgumentException">There is no caption with a word in it.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="vocabularySize"/> is less than 514.</exception>
    public static int Train(IEnumerable<string> captions, int vocabularySize, string folder)
    {
        ArgumentNullException.ThrowIfNull(captions);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string[] bytes = [.. ByteSymbols.InVocabularyOrder.Select(c => c.ToString())];
        int alphabet = 2 * bytes.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, alphabet + 2);

        var words = Count(captions);
        if (words.Count == 0) throw new ArgumentException(
            "There is nothing to learn a vocabulary from: no caption has a word in it.", nameof(captions));
        var merges = Merges(words, vocabularySize - alphabet - 2);

        IEnumerable<string> tokens = [.. bytes, .. bytes.Select(b => b + ClipTokenizer.EndOfWord), .. merges.Select(m => m.Left + m.Right),
            .. ClipTokenizer.SpecialTokens];
        var ids = tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id);
        Directory.CreateDirectory(folder);
        AtomicFile.Write(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(ids, JsonOptions) + "\n");
        string lines = string.Concat(merges.Select(m => $"{m.Left} {m.Right}\n").Prepend("#version: 0.2\n"));
        AtomicFile.Write(Path.Combine(folder, "merges.txt"), lines);
        return ids.Count;
    }

    private static List<(List<string> Symbols, int Count)> Count(IEnumerable<string> captions)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string caption in captions)
        {
            string clean = TextCleaner.Clean(caption);
            foreach (var (offset, length) in ClipPreTokenizer.Split(clean))
            {
                string piece = clean.Substring(offset, length);
                counts[piece] = counts.GetValueOrDefault(piece) + 1;
            }
        }
        return [.. counts.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair =>
        {
            var symbols = ByteSymbols.Encode(pair.Key).Select(c => c.ToString()).ToList();
            symbols[^1] += ClipTokenizer.EndOfWord;
            return (symbols, pair.Value);
        })];
    }

    private static List<(string Left, string Right)> Merges(List<(List<string> Symbols, int Count)> words, int most)
    {
        var merges = new List<(string Left, string Right)>();
        while (merges.Count < most)
        {
            var pairs = new Dictionary<(string, string), int>();
            foreach (var (symbols, count) in words)
                for (int i = 0; i + 1 < symbols.Count; i++)
                    pairs[(symbols[i], symbols[i + 1])] = pairs.GetValueOrDefault((symbols[i], symbols[i + 1])) + count;
            if (pairs.Count == 0) break;
            var (left, right) = pairs.OrderByDescending(pair => pair.Value)
                .ThenBy(pair => pair.Key.Item1, StringComparer.Ordinal).ThenBy(pair => pair.Key.Item2, StringComparer.Ordinal).First().Key;
            merges.Add((left, right));
            foreach (var (symbols, _) in words)
            {
                for (int i = 0; i + 1 < symbols.Count; i++)
                {
                    if (symbols[i] != left || symbols[i + 1] != right) continue;
                    symbols[i] += right;
                    symbols.RemoveAt(i + 1);
                }
            }
        }
        return merges;
    }
}
