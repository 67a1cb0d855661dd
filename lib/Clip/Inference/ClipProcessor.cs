using ClipNotebooks.Clip.Images;
using ClipNotebooks.Clip.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// Makes a model's inputs: images to pixels and captions to token ids, as the model's folder asks (Hugging Face's <c>CLIPProcessor</c>).
/// Thread-safe.
/// </summary>
/// <param name="transform">From an image to (3, R, R) normalised values.</param>
/// <param name="tokenizer">From a caption to token ids.</param>
public sealed class ClipProcessor(ClipImageTransform transform, ClipTokenizer tokenizer)
{
    /// <summary>The image transform.</summary>
    public ClipImageTransform Transform { get; } = transform;

    /// <summary>The tokenizer.</summary>
    public ClipTokenizer Tokenizer { get; } = tokenizer;

    /// <summary>Reads preprocessor_config.json, vocab.json and merges.txt.</summary>
    /// <param name="folder">A model's folder in the Hugging Face layout.</param>
    /// <param name="contextLength">The longest token row that the model takes.</param>
    /// <exception cref="FileNotFoundException">One of the three files is missing.</exception>
    /// <exception cref="InvalidDataException">One of them is damaged; the message says where.</exception>
    public static ClipProcessor FromPretrained(string folder, int contextLength = 77) => new(
        new ClipImageTransform(ImageTransformConfig.Load(Path.Combine(folder, "preprocessor_config.json"))),
        ClipTokenizer.Load(folder, contextLength));

    /// <summary>Images to pixels.</summary>
    /// <returns>(B, 3, R, R), float32, normalised; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public Tensor Images(IReadOnlyList<RgbImage> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(images));
        int side = Transform.Config.Size, stride = 3 * side * side;
        var values = new float[images.Count * stride];
        Parallel.For(0, images.Count, i => Transform.Apply(images[i], values.AsSpan(i * stride, stride)));
        return tensor(values, [images.Count, 3, side, side]);  // (B, 3, R, R)
    }

    /// <summary>Captions to token ids, cut at the context length where they are longer.</summary>
    /// <returns>(B, L), int64, L being the longest caption's; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public Tensor Texts(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no caption: the list is empty.", nameof(texts));
        var batch = Tokenizer.Tokenize(texts, truncate: true);
        return tensor(batch.Ids, [batch.Count, batch.Length]); // (B, L)
    }
}
