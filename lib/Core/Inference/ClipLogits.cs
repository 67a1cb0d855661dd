namespace ClipNotebooks.Core.Inference;

/// <summary>What a model was trained to compare, from embeddings alone.</summary>
public static class ClipLogits
{
    /// <summary>Cosine similarities times the learned scale, plus the learned bias.</summary>
    /// <param name="encoder">What made the embeddings.</param>
    /// <param name="images">N rows of E.</param>
    /// <param name="texts">M rows of E.</param>
    /// <returns>N rows of M.</returns>
    /// <exception cref="NonFiniteException">The scale or the bias is not finite.</exception>
    public static double[][] Logits(this IClipEncoder encoder, IReadOnlyList<float[]> images, IReadOnlyList<float[]> texts)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(texts);
        double scale = encoder.Scale, bias = encoder.Bias;
        return [.. images.Select(image => texts.Select(text => scale * Product(image, text) + bias).ToArray())];
    }

    /// <summary>
    /// Logits as probabilities: of a CLIP a softmax over each row, of these captions which one; of a model that
    /// <see cref="IClipEncoder.IsSigmoid"/> the sigmoid of each element, whether that pair belongs together, whatever the others are.
    /// </summary>
    /// <param name="encoder">The model.</param>
    /// <param name="logits">N rows of M, images by captions.</param>
    /// <returns>N rows of M, 0 to 1.</returns>
    public static double[][] Probabilities(this IClipEncoder encoder, IReadOnlyList<double[]> logits)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(logits);
        return [.. logits.Select(row => encoder.IsSigmoid ? [.. row.Select(logit => 1 / (1 + Math.Exp(-logit)))] : Softmax(row))];
    }

    private static double Product(float[] left, float[] right)
    {
        if (left.Length != right.Length)
            throw new ArgumentException($"An image has {left.Length} numbers and a caption {right.Length}: one model gives both the same.");
        double sum = 0;
        for (int i = 0; i < left.Length; i++) sum += (double)left[i] * right[i];
        return sum;
    }

    /// <summary>Of vectors of any length but 0.</summary>
    internal static double Cosine(float[] left, float[] right) =>
        Product(left, right) / Math.Sqrt(Product(left, left) * Product(right, right));

    private static double[] Softmax(double[] row)
    {
        double largest = row.Max();
        double[] powers = [.. row.Select(logit => Math.Exp(logit - largest))];
        double sum = powers.Sum();
        return [.. powers.Select(power => power / sum)];
    }
}
