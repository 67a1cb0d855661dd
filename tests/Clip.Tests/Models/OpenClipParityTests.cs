using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>
/// Reference: open_clip 4.2.0.dev0's CLIP with heads that are not 64 wide; exact GELU, and the same weights with QuickGELU.
/// </summary>
public sealed class OpenClipParityTests
{
    private static readonly ClipConfig Config = new()
    {
        Vision = new VisionConfig { ImageSize = 32, PatchSize = 8, Width = 64, Layers = 2, Heads = 2 },
        Text = new TextConfig { VocabularySize = 400, Width = 64, Layers = 2, Heads = 4 },
        EmbeddingWidth = 32,
        Activation = Activation.Gelu,
    };

    [Theory]
    [InlineData(Activation.Gelu, "")]
    [InlineData(Activation.QuickGelu, "quick_gelu.")]
    public void Embeddings_and_loss_equal_the_reference(Activation activation, string prefix)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using ReferenceTensors inputs = new("open_clip", "inputs.safetensors"), outputs = new("open_clip", "outputs.safetensors"),
            weights = new("open_clip", "model.safetensors");
        using var model = new ClipModel(Config with { Activation = activation });
        weights.LoadInto(model);
        // 1e-5: float32 rounding of another order of summation; the activations differ by a thousand times as much.
        Close.Relative(outputs[prefix + "encode_image"], model.EncodeImage(inputs["images"]), 1e-5);
        Close.Relative(outputs[prefix + "encode_text"], model.EncodeText(inputs["token_ids"]), 1e-5);
        if (activation != Activation.Gelu) return;
        var (logits, _) = model.call(inputs["images"], inputs["token_ids"]);
        Close.Relative(outputs["logits_per_image"], logits, 1e-5);
        Close.Relative(outputs["image_features_normalized"], nn.functional.normalize(model.EncodeImage(inputs["images"]), p: 2, dim: -1),
            1e-5);
        Close.Relative(outputs["text_features_normalized"], nn.functional.normalize(model.EncodeText(inputs["token_ids"]), p: 2, dim: -1),
            1e-5);
        Close.Relative(outputs["logit_scale_exp"], model.LogitScale.exp(), 1e-6); // one function of one number
        Close.Relative(outputs["clip_loss"], ContrastiveLoss.FromLogits(logits), 1e-5);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Half_precision_points_where_float32_points(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using ReferenceTensors inputs = new("open_clip", "inputs.safetensors"), outputs = new("open_clip", "outputs.safetensors"),
            weights = new("open_clip", "model.safetensors");
        using var model = new ClipModel(Config);
        weights.LoadInto(model);
        model.to(type);
        var image = nn.functional.cosine_similarity(outputs["encode_image"], model.EncodeImage(inputs["images"].to(type)).to(float32), 1);
        var text = nn.functional.cosine_similarity(outputs["encode_text"], model.EncodeText(inputs["token_ids"]).to(float32), 1);
        Assert.All(image.data<float>().Concat(text.data<float>()), c => Assert.True(c >= 0.999, $"{c}"));
    }
}
