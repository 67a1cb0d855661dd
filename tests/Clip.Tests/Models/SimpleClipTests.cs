using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

public sealed class SimpleClipTests
{
    private static readonly ClipConfig Tiny = new()
    {
        Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 32, Layers = 1, Heads = 2 },
        Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 1, Heads = 1 },
        EmbeddingWidth = 12,
    };

    [Fact]
    public void Embeddings_have_unit_length_and_logits_are_scaled_cosines()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = Model();
        var (images, ids) = (randn(3, 3, 16, 16), randint(0, 20, [2, 8], dtype: int64));
        var (image, text) = (model.EncodeImage(images), model.EncodeText(ids));
        Close.Relative(ones(3), image.norm(1), 1e-6); // float32
        var (logitsPerImage, logitsPerText) = model.call(images, ids);
        Close.Relative(image.mm(text.t()) / 0.07, logitsPerImage, 1e-5); // the scale passes through a logarithm
        Assert.Equal([2, 3], logitsPerText.shape);
    }

    [Theory]
    [InlineData(ProjectionKind.Matrix)]
    [InlineData(ProjectionKind.None)]
    [InlineData(ProjectionKind.Affine)]
    [InlineData(ProjectionKind.Mlp)]
    public void Towers_with_any_projection_serve_and_leave_it_untrained(ProjectionKind kind)
    {
        using var scope = NewDisposeScope();
        var config = Tiny with
        {
            Vision = Tiny.Vision with { Projection = kind },
            Text = Tiny.Text with { Width = 32, Projection = kind },
            EmbeddingWidth = 32,
        };
        using var simple = new SimpleClip(
            new VisionEncoder(new VisionTransformer(config)), new TextEncoder(new TextTransformer(config)), 12, 32, 32);
        var (logitsPerImage, _) = simple.call(randn(3, 3, 16, 16), randint(0, 20, [2, 8], dtype: int64));
        logitsPerImage.sum().backward();
        var untrained = simple.named_parameters().Where(pair => !pair.parameter.requires_grad).Select(pair => pair.name).ToList();
        Assert.All(untrained, name => Assert.Matches("tower[.](proj|head|text_projection|text_head)", name));
        Assert.Equal(kind != ProjectionKind.None, untrained.Count > 0);
        Assert.All(simple.named_parameters(), pair => Assert.Equal(pair.parameter.requires_grad, pair.parameter.grad is not null));
    }

    [Fact]
    public void With_a_ClipModels_weights_it_gives_the_ClipModels_logits()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var clip = new ClipModel(Tiny);
        using var simple = new SimpleClip(new VisionEncoder(clip.Visual), new TextEncoder(clip.Text), 12, 32, 16);
        var state = simple.state_dict();
        state["vision_projection.weight"].copy_(clip.state_dict()["visual.proj"].t());
        state["text_projection.weight"].copy_(clip.state_dict()["text_projection"].t());
        var (images, ids) = (randn(3, 3, 16, 16), randint(0, 20, [2, 8], dtype: int64));
        Close.Relative(clip.call(images, ids).LogitsPerImage, simple.call(images, ids).LogitsPerImage, 1e-5); // float32
    }

    [Fact]
    public void Every_trainable_parameter_gets_a_gradient()
    {
        using var scope = NewDisposeScope();
        using var model = Model();
        ContrastiveLoss.FromLogits(model.call(randn(2, 3, 16, 16), randint(0, 20, [2, 8], dtype: int64)).LogitsPerImage).backward();
        foreach (var (name, parameter) in model.named_parameters()) Assert.True(
            parameter.requires_grad == parameter.grad is not null, name);
        Assert.NotNull(model.LogitScale.grad);
    }

    [Fact]
    public void An_encoder_of_another_width_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        using var model = new SimpleClip(new VisionEncoder(new VisionTransformer(Tiny)), new TextEncoder(new TextTransformer(Tiny)), 12, 33,
            16);
        var error = Assert.Throws<ArgumentException>(() => model.EncodeImage(zeros(1, 3, 16, 16)));
        Assert.Contains("image projection", error.Message);
        Assert.Contains("33", error.Message);
    }

    private static SimpleClip Model() => new(new VisionEncoder(new VisionTransformer(Tiny)), new TextEncoder(new TextTransformer(Tiny)), 12,
        32, 16);
}
