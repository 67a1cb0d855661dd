using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Emoji;

/// <summary>
/// How well a model names and finds one style's emoji. Pictures in the held-out style are by a designer whose work it never saw.
/// </summary>
/// <param name="Style">The name of the style's designer of emoji.</param>
/// <param name="Pictures">How many pictures there are: one of each concept that the designer draws.</param>
/// <param name="English">The results with English words.</param>
/// <param name="Korean">The results with Korean words.</param>
/// <param name="Groups">The results of each group, the largest first.</param>
/// <param name="Confused">Every picture that is named wrongly in English, the most confident mistakes first.</param>
public sealed record EmojiEvaluation(string Style, int Pictures, EmojiLanguageReport English, EmojiLanguageReport Korean,
    IReadOnlyList<EmojiGroupReport> Groups, IReadOnlyList<EmojiConfusion> Confused)
{
    private const int AtOnce = 256;

    /// <summary>Measures a model.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="data">The emoji.</param>
    /// <param name="style">The designer whose pictures are used; by default the one held out.</param>
    /// <exception cref="ArgumentException">Fewer than two concepts are drawn in the style.</exception>
    public static EmojiEvaluation Measure(ClipEncoder encoder, EmojiData data, string? style = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(data);
        style ??= data.Manifest.HeldOutStyle;
        EmojiConcept[] concepts = [.. data.Concepts.Where(concept => concept.Styles.Contains(style))];
        if (concepts.Length < 2)
        {
            string styles = string.Join(", ", data.Manifest.TrainingStyles.Append(data.Manifest.HeldOutStyle));
            throw new ArgumentException($"There are no pictures in the style '{style}'; there are: {styles}.", nameof(style));
        }
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var images = cat([.. concepts.Chunk(AtOnce).Select(some =>
            encoder.EncodeImages([.. some.Select(concept => data.OnWhite(style, concept))]))], 0);                              // (N, E)
        var (english, right) = Measure(encoder, images, data.Concepts, concepts, concept => concept.English, EmojiCaptions.English);
        var (korean, _) = Measure(encoder, images, data.Concepts, concepts, concept => concept.Korean, EmojiCaptions.Korean);
        var groups = concepts.Index().GroupBy(entry => entry.Item.Group, StringComparer.Ordinal)
            .Select(group => new EmojiGroupReport(group.Key, group.Count(), group.Average(entry => right[entry.Index].Rank < 1 ? 1.0 : 0),
                group.Average(entry => right[entry.Index].Rank < 5 ? 1.0 : 0)))
            .OrderByDescending(group => group.Pictures).ThenBy(group => group.Group, StringComparer.Ordinal);
        var confused = concepts.Index().Where(entry => right[entry.Index].Rank > 0).Select(entry =>
            {
                var (_, best, by) = right[entry.Index];
                return new EmojiConfusion(entry.Item.Id, entry.Item.English.Name, concepts[best].Id, concepts[best].English.Name, by);
            }).OrderByDescending(confusion => confusion.By).ThenBy(confusion => confusion.Id, StringComparer.Ordinal);
        return new EmojiEvaluation(style, concepts.Length, english, korean, [.. groups], [.. confused]);
    }

    private static (EmojiLanguageReport Report, (int Rank, int Best, float By)[] Named) Measure(ClipEncoder encoder, Tensor images,
        IReadOnlyList<EmojiConcept> all, EmojiConcept[] concepts, Func<EmojiConcept, EmojiWords> words, IReadOnlyList<string> templates)
    {
        using var scope = NewDisposeScope();
        // A name that two concepts share is one class.
        string[] names = [.. concepts.Select(concept => Lower(words(concept).Name)).Distinct(StringComparer.Ordinal)];
        int[] first = [.. names.Select(name => Array.FindIndex(concepts, concept => Lower(words(concept).Name) == name))];
        var classes = nn.functional.normalize(templates.Select(template =>
            Embed(encoder, [.. names.Select(name => PromptTemplates.Fill(template, name))])).Aggregate((a, b) => a + b), p: 2, dim: -1);
        float[] scores = images.mm(classes.t()).flatten().data<float>().ToArray();                                              // N · C
        var named = new (int Rank, int Best, float By)[concepts.Length];
        foreach (var (i, concept) in concepts.Index())
        {
            var row = scores.AsSpan(i * names.Length, names.Length);
            int own = Array.IndexOf(names, Lower(words(concept).Name));
            var (rank, best) = Place(row, own);
            named[i] = (rank, first[best], row[best] - row[own]);
        }

        var carriers = Carriers(concepts, words);
        var plain = Ranks(encoder, images, concepts, carriers,
            [.. concepts.Index().Select(entry => (entry.Index, words(entry.Item).Name))]);
        var heldOut = Ranks(encoder, images, concepts, carriers,
            [.. concepts.Index().SelectMany(entry => words(entry.Item).HeldOut.Select(keyword => (entry.Index, keyword)))]);
        var trained = Ranks(encoder, images, concepts, carriers,
            [.. concepts.Index().SelectMany(entry => words(entry.Item).Keywords.Select(keyword => (entry.Index, keyword)))]);
        var seen = all.SelectMany(concept => words(concept).Keywords.Append(words(concept).Name)).Select(Lower).ToHashSet();
        return (new EmojiLanguageReport(Share(named, entry => entry.Rank < 1), Share(named, entry => entry.Rank < 5),
            Share(plain, entry => entry.Rank < 1), Share(plain, entry => entry.Rank < 10), Report(heldOut, seen), Report(trained, seen)),
            named);
    }

    /// <summary>
    /// The rank, from 0, of the own name's score among all, and the best of the others, the first of equal ones. A tie counts against the
    /// own name: a model that gives all names one score knows none of them.
    /// </summary>
    internal static (int Rank, int Best) Place(ReadOnlySpan<float> scores, int own)
    {
        var (rank, best) = (0, own);
        for (int c = 0; c < scores.Length; c++)
        {
            if (c == own) continue;
            if (scores[c] >= scores[own]) rank++;
            if (best == own || scores[c] > scores[best]) best = c;
        }
        return (rank, best);
    }

    /// <summary>For each word, the indices of the concepts that have it.</summary>
    private static Dictionary<string, HashSet<int>> Carriers(EmojiConcept[] concepts, Func<EmojiConcept, EmojiWords> words)
    {
        var carriers = new Dictionary<string, HashSet<int>>(StringComparer.Ordinal);
        foreach (var (i, concept) in concepts.Index())
            foreach (string word in words(concept).Keywords.Concat(words(concept).HeldOut).Append(words(concept).Name).Select(Lower))
            {
                if (!carriers.TryGetValue(word, out var set)) carriers[word] = set = [];
                set.Add(i);
            }
        return carriers;
    }

    /// <summary>
    /// For each query, the rank (from 0) of its picture among those of the concepts that do not have its word; ties count against it.
    /// </summary>
    private static (string Word, int Rank)[] Ranks(ClipEncoder encoder, Tensor images, EmojiConcept[] concepts,
        Dictionary<string, HashSet<int>> carriers, (int Concept, string Word)[] queries)
    {
        if (queries.Length == 0) return [];
        using var scope = NewDisposeScope();
        string[] texts = [.. queries.Select(query => query.Word).Distinct(StringComparer.Ordinal)];
        var row = texts.Index().ToDictionary(entry => entry.Item, entry => entry.Index, StringComparer.Ordinal);
        float[] scores = Embed(encoder, texts).mm(images.t()).flatten().data<float>().ToArray();                                // T · N
        return [.. queries.Select(query =>
        {
            var similar = scores.AsSpan(row[query.Word] * concepts.Length, concepts.Length);
            var others = carriers[Lower(query.Word)];
            int rank = 0;
            for (int i = 0; i < similar.Length; i++)
                if (similar[i] >= similar[query.Concept] && !others.Contains(i)) rank++;
            return (query.Word, rank);
        })];
    }

    private static EmojiKeywordReport Report((string Word, int Rank)[] ranks, HashSet<string> seen)
    {
        (string Word, int Rank)[] unseen = [.. ranks.Where(entry => !seen.Contains(Lower(entry.Word)))];
        return new EmojiKeywordReport(ranks.Length, Share(ranks, entry => entry.Rank < 1), Share(ranks, entry => entry.Rank < 10),
            unseen.Length, Share(unseen, entry => entry.Rank < 10));
    }

    private static Tensor Embed(ClipEncoder encoder, string[] texts) =>
        cat([.. texts.Chunk(AtOnce).Select(some => encoder.EncodeTexts(some))], 0);                                             // (T, E)

    private static double Share<T>(IReadOnlyCollection<T> entries, Func<T, bool> holds) =>
        entries.Count == 0 ? 0 : entries.Count(holds) / (double)entries.Count;

    // The tokenizer takes texts in lower case.
    private static string Lower(string word) => word.ToLowerInvariant();
}
