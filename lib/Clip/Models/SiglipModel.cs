using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>
/// SigLIP (Zhai et al. 2023): CLIP's dual encoder, trained with a sigmoid for every pair instead of a softmax over the batch. The sigmoid of a logit is the probability that this image and this text
/// belong together, whatever other texts there are. Parameters: the image tower's begin with <c>visual.</c>, the text tower's with <c>text.</c>
/// <para>
/// Its texts come as ids: the published models' tokenizer is a SentencePiece model, which is not read here. Its images are squashed to the square, and mean and standard deviation are 0.5 for each colour.
/// Its arithmetic is compared with recorded outputs of timm's image tower and open_clip's text tower, and step by step with transformers' description of it.
/// </para>
/// </summary>
public sealed class SiglipModel : Module<Tensor, Tensor, (Tensor LogitsPerImage, Tensor LogitsPerText)>
{
    [ComponentName(Name = "visual")] private readonly SiglipVisionTransformer _visual;
    [ComponentName(Name = "text")] private readonly SiglipTextTransformer _text;
    [ComponentName(Name = "logit_scale")] private readonly Parameter _logitScale;
    [ComponentName(Name = "logit_bias")] private readonly Parameter _logitBias;

    /// <summary>A model with fresh weights in float32.</summary>
    /// <param name="config">Its shape. <see cref="random.manual_seed"/> fixes the weights.</param>
    /// <param name="device">Where the weights are made: the CPU by default; <c>meta</c> gives names and shapes without memory.</param>
    /// <exception cref="ArgumentException">A value of the shape is out of its range.</exception>
    public SiglipModel(SiglipConfig config, Device? device = null) : base(nameof(SiglipModel))
    {
        Config = SiglipConfig.Valid(config);
        _visual = new SiglipVisionTransformer(config, device);
        _text = new SiglipTextTransformer(config, device);
        _logitScale = new Parameter(empty(1, device: device));
        _logitBias = new Parameter(empty(1, device: device));
        _logitScale.Fill(Math.Log(config.InitialScale));
        _logitBias.Fill(config.InitialBias);
        RegisterComponents();
    }

    /// <summary>The shape.</summary>
    public SiglipConfig Config { get; }

    /// <summary>The image tower.</summary>
    public SiglipVisionTransformer Visual => _visual;

    /// <summary>The text tower.</summary>
    public SiglipTextTransformer Text => _text;

    /// <summary>The logarithm of the factor on the cosine similarities, (1).</summary>
    public Parameter LogitScale => _logitScale;

    /// <summary>What is added to every logit, (1): most pairs do not belong together, so it is negative.</summary>
    public Parameter LogitBias => _logitBias;

    /// <summary>Pixels, (B, 3, R, R), normalised → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeImage(Tensor pixels) => _visual.call(pixels);

    /// <summary>Token ids, (B, L), int64, filled up to the context length → (B, E), not normalised.</summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public Tensor EncodeText(Tensor ids) => _text.call(ids);

    /// <summary>
    /// Pixels, (B, 3, R, R), and token ids, (T, L) → cosine similarities times exp(LogitScale) plus LogitBias: (B, T), and its transpose (T, B). The sigmoid of an element is that pair's probability.
    /// </summary>
    /// <exception cref="ArgumentException">Another shape; the message has both.</exception>
    public override (Tensor LogitsPerImage, Tensor LogitsPerText) forward(Tensor pixels, Tensor ids)
    {
        using var scope = NewDisposeScope();
        var image = functional.normalize(EncodeImage(pixels), p: 2, dim: -1);                       // (B, E)
        var text = functional.normalize(EncodeText(ids), p: 2, dim: -1);                            // (T, E)
        var logitsPerImage = (LogitScale.exp() * image.mm(text.t())).Plus(LogitBias);               // (B, T)
        return (logitsPerImage.MoveToOuterDisposeScope(), logitsPerImage.t().MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Texts' ids as the tokenizer gives them, without an end → the rows that the text tower takes: cut to leave room for an end, ended, and filled up to the context length with the end's own id,
    /// <see cref="SiglipConfig.PaddingId"/>.
    /// </summary>
    /// <param name="texts">B rows of ids, 0 to the vocabulary's size.</param>
    /// <returns>(B, L), int64, on the CPU; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There is no row, or an id is outside the vocabulary.</exception>
    public Tensor PadTokens(IReadOnlyList<IReadOnlyList<int>> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no text: the list is empty.", nameof(texts));
        var (L, size) = (Config.Text.ContextLength, Config.Text.VocabularySize);
        long[] rows = new long[texts.Count * L];
        Array.Fill(rows, Config.PaddingId);
        foreach (var (row, text) in texts.Index())
        {
            for (int i = 0; i < Math.Min(text.Count, L - 1); i++)
                rows[row * L + i] = text[i] >= 0 && text[i] < size ? text[i] : throw new ArgumentException($"Text {row} has the id {text[i]}; the vocabulary has 0 to {size - 1}.", nameof(texts));
        }
        return tensor(rows, [texts.Count, L]);                                                      // (B, L)
    }
}
