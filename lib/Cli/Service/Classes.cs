using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Cli.Service;

/// <summary>
/// Class names as rows of a classifier, made when they are first asked for: the last few sets are kept, since clients ask again with the
/// same. Thread-safe.
/// </summary>
internal sealed class Classes(BatchingEncoder clip)
{
    /// <summary>A name that says nothing, which a class is held against where each stands by itself.</summary>
    private const string Neutral = "thing";

    private const int Kept = 16;

    private readonly Lock _lock = new();
    private readonly LinkedList<(string Key, float[][] Rows)> _recent = new();

    /// <summary>A picture's probability of each class.</summary>
    /// <param name="image">E numbers, of length 1.</param>
    /// <param name="labels">C names.</param>
    /// <param name="templates">Sentences with a gap for the name.</param>
    /// <param name="multiLabel">Whether a picture may show several classes or none.</param>
    /// <param name="token">Stops.</param>
    /// <returns>C numbers, and whether each stands by itself.</returns>
    internal async Task<(double[] Probabilities, bool IsIndependent)> AnswerAsync(float[] image, IReadOnlyList<string> labels,
        IReadOnlyList<string> templates, bool multiLabel, CancellationToken token)
    {
        bool isSigmoid = clip.Encoder.IsSigmoid;
        double[][] logits = clip.Encoder.Logits([image], await RowsAsync(labels, templates, token));                // (1, C)
        if (!multiLabel || isSigmoid) return (clip.Encoder.Probabilities(logits)[0], isSigmoid);
        double neutral = clip.Encoder.Logits([image], await RowsAsync([Neutral], templates, token))[0][0];
        return ([.. logits[0].Select(logit => 1 / (1 + Math.Exp(neutral - logit)))], true);
    }

    private async Task<float[][]> RowsAsync(IReadOnlyList<string> labels, IReadOnlyList<string> templates, CancellationToken token)
    {
        string key = string.Join('\0', [.. labels, "", .. templates]);
        if (Recall(key) is { } known) return known;
        string[] captions = [.. labels.SelectMany(label => templates.Select(template => PromptTemplates.Fill(template, label)))];
        float[][] embeddings = await clip.EmbedTextsAsync(captions, token);                                         // (C · T, E)
        float[][] rows = [.. embeddings.Chunk(templates.Count).Select(Mean)];                                       // (C, E)
        lock (_lock)
        {
            _recent.AddFirst((key, rows));
            if (_recent.Count > Kept) _recent.RemoveLast();
        }
        return rows;
    }

    private float[][]? Recall(string key)
    {
        lock (_lock)
        {
            for (var node = _recent.First; node is not null; node = node.Next)
            {
                if (node.Value.Key != key) continue;
                _recent.Remove(node);
                _recent.AddFirst(node);
                return node.Value.Rows;
            }
        }
        return null;
    }

    /// <summary>The mean of unit vectors, made a unit vector again.</summary>
    private static float[] Mean(float[][] rows)
    {
        var sum = new double[rows[0].Length];
        foreach (float[] row in rows)
            for (int i = 0; i < sum.Length; i++) sum[i] += row[i];
        double length = Math.Sqrt(sum.Sum(value => value * value));
        return [.. sum.Select(value => (float)(value / length))];
    }
}
