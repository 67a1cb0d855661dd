namespace ClipNotebooks.Core.Inference;

/// <summary>Computes a model's logits and probabilities from embeddings.</summary>
public static class ClipLogits
{
    /// <summary>Cosine similarities times the learned scale, plus the learned bias.</summary>
    /// <param name="encoder">The model that made the embeddings.</param>
    /// <param name="images">N rows of E.</param>
    /// <param name="texts">M rows of E.</param>
    /// <returns>N rows of M.</returns>
    /// <exception cref="ArgumentException">An image's embedding and a caption's differ in length.</exception>
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
    /// Turns logits into probabilities. For a CLIP, a softmax over each row: which of these captions fits the image. For a model with
    /// <see cref="IClipEncoder.IsSigmoid"/>, the sigmoid of each element: whether that pair fits, independent of the others.
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

    /// <summary>The cosine similarity of two vectors, neither of them zero.</summary>
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
