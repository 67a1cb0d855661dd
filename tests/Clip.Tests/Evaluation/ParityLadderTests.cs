using System.Reflection;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Evaluation;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Tests.Inference;
using ClipNotebooks.Clip.Tests.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Evaluation;

/// <summary>
/// Reference: models/, openai/CLIP's class; its outputs.safetensors serve as recordings, with inputs.safetensors beside them.
/// </summary>
public sealed class ParityLadderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parity").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("vit_p8_i32", new[] { "vision.hidden.0", "vision.hidden.1", "vision.hidden.2", "vision.hidden.3", "vision.ln_post",
        "encode_image", "text.hidden.0", "text.hidden.1", "text.hidden.2", "text.hidden.3", "text.ln_final", "encode_text",
        "logits_per_image" })]
    [InlineData("vit_p14_i28", new[] { "vision.hidden.0", "vision.hidden.1", "vision.ln_post", "encode_image", "text.hidden.0",
        "text.hidden.1", "text.hidden.2", "text.ln_final", "encode_text", "logits_per_image" })]
    [InlineData("rn_1111_i64", new[] { "vision.stem", "vision.layer1", "vision.layer2", "vision.layer3", "vision.layer4", "encode_image",
        "text.hidden.0", "text.hidden.1", "text.hidden.2", "text.ln_final", "encode_text", "logits_per_image" })]
    public void A_sound_model_agrees_at_every_rung_in_the_order_of_the_forward(string name, string[] rungs)
    {
        using var reference = new ReferenceModel(name);
        var report = ParityLadder.Compare(reference.Model, Recording(name));
        Assert.True(report.Agrees, report.ToString());
        Assert.Equal(rungs, report.Rungs.Select(rung => rung.Name));
        Assert.All(report.Rungs, rung => Assert.InRange(rung.MaxRelativeError, 0, rung.Tolerance));
    }

    [Theory]
    [InlineData("visual.positional_embedding", "vision.hidden.0")]
    [InlineData("visual.transformer.resblocks.1.mlp.c_fc.weight", "vision.hidden.2")]
    [InlineData("visual.ln_post.bias", "vision.ln_post")]
    [InlineData("visual.proj", "encode_image")]
    [InlineData("token_embedding.weight", "text.hidden.0")]
    [InlineData("transformer.resblocks.2.attn.in_proj_weight", "text.hidden.3")]
    [InlineData("ln_final.weight", "text.ln_final")]
    [InlineData("text_projection", "encode_text")]
    [InlineData("logit_scale", "logits_per_image")]
    public void A_broken_weight_is_found_at_its_rung(string weight, string rung)
    {
        using var scope = NewDisposeScope();
        using var reference = new ReferenceModel("vit_p8_i32");
        using (no_grad()) reference.Model.state_dict()[weight].mul_(1.001);
        var report = ParityLadder.Compare(reference.Model, Recording("vit_p8_i32"));
        Assert.Equal(rung, report.FirstDivergence?.Name);
        Assert.StartsWith($"First divergence: {rung}, off by", report.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_activation_is_found_in_the_first_block()
    {
        using var scope = NewDisposeScope();
        using var reference = new ReferenceModel("vit_p8_i32");
        using var gelu = new ClipModel(reference.Model.Config with { Activation = Activation.Gelu });
        gelu.load_state_dict(reference.Model.state_dict());
        Assert.Equal("vision.hidden.1", ParityLadder.Compare(gelu, Recording("vit_p8_i32")).FirstDivergence?.Name);
    }

    [Fact]
    public void A_missing_causal_mask_is_found_in_the_first_block_of_the_text()
    {
        using var reference = new ReferenceModel("vit_p8_i32");
        foreach (var attention in reference.Model.Text.modules().OfType<MultiHeadAttention>())
            typeof(MultiHeadAttention).GetField("_causal", BindingFlags.NonPublic | BindingFlags.Instance)!.SetValue(attention, false);
        Assert.Equal("text.hidden.1", ParityLadder.Compare(reference.Model, Recording("vit_p8_i32")).FirstDivergence?.Name);
    }

    [Fact]
    public void Pooling_at_the_wrong_token_is_found_after_the_last_block()
    {
        using var scope = NewDisposeScope();
        using var reference = new ReferenceModel("vit_p14_i28");
        using var first = new ClipModel(reference.Model.Config with { Text = reference.Model.Config.Text with { EndOfTextId = 2 } });
        first.load_state_dict(reference.Model.state_dict());
        Assert.Equal("encode_text", ParityLadder.Compare(first, Recording("vit_p14_i28")).FirstDivergence?.Name);
    }

    [Fact]
    public void Half_precision_diverges_at_float32s_tolerance_and_agrees_at_its_own()
    {
        using var reference = new ReferenceModel("vit_p8_i32");
        reference.Model.to(bfloat16);
        Assert.Equal("vision.hidden.0", ParityLadder.Compare(reference.Model, Recording("vit_p8_i32")).FirstDivergence?.Name);
        // 8 bits of mantissa, some dozens of roundings
        Assert.True(ParityLadder.Compare(reference.Model, Recording("vit_p8_i32"), tolerance: 0.05).Agrees);
    }

    [Fact]
    public void A_recording_of_our_own_holds_every_rung_from_the_tokens_on()
    {
        using var encoder = RandomClip.Create();
        string path = Record(encoder);
        var report = ParityLadder.Compare(encoder.Model, path, encoder.Processor);
        Assert.True(report.Agrees, report.ToString());
        Assert.Equal(
            ["tokens", "pixels", "vision.patch_embedding", "vision.hidden.0", "vision.hidden.1", "vision.ln_post", "encode_image",
                "text.hidden.0", "text.hidden.1", "text.ln_final", "text.pooled", "encode_text", "logits_per_image"],
            report.Rungs.Select(rung => rung.Name));
        Assert.Equal(["vision.patch_embedding"], ParityLadder.Compare(encoder.Model, path).Rungs.Take(1).Select(rung => rung.Name));
    }

    [Fact]
    public void A_wrong_transform_is_found_at_the_pixels_and_another_caption_at_the_tokens()
    {
        using var encoder = RandomClip.Create();
        string path = Record(encoder);
        var dark = new ClipProcessor(new ClipImageTransform(encoder.Processor.Transform.Config with { Mean = [0.5f, 0.5f, 0.5f] }),
            encoder.Processor.Tokenizer);
        Assert.Equal("pixels", ParityLadder.Compare(encoder.Model, path, dark).FirstDivergence?.Name);
        Rewrite(path, tensors => { }, """["a cat", "another dog"]""");
        Assert.Equal("tokens", ParityLadder.Compare(encoder.Model, path, encoder.Processor).FirstDivergence?.Name);
        Rewrite(path, tensors => { }, """["a cat"]""");
        Assert.Equal("tokens", ParityLadder.Compare(encoder.Model, path, encoder.Processor).FirstDivergence?.Name);
        Rewrite(path, tensors => { }, "a cat");
        Assert.Contains("not a JSON list of captions",
            Assert.Throws<CheckpointException>(() => ParityLadder.Compare(encoder.Model, path, encoder.Processor)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Another_shape_and_a_NaN_diverge()
    {
        using var encoder = RandomClip.Create();
        string path = Record(encoder);
        Rewrite(path, tensors => tensors["encode_image"] = tensors["encode_image"].narrow(1, 0, 5));
        var report = ParityLadder.Compare(encoder.Model, path);
        Assert.Equal(("encode_image", "(2, 5) was recorded, the model gives (2, 24)"),
            (report.FirstDivergence?.Name, report.FirstDivergence?.Remark));
        Rewrite(path, tensors => tensors["vision.hidden.1"][0, 0, 0] = float.NaN);
        Assert.Equal("vision.hidden.1", ParityLadder.Compare(encoder.Model, path).FirstDivergence?.Name);
    }

    [Fact]
    public void What_is_no_recording_is_refused_with_the_names_that_are_missing()
    {
        using var scope = NewDisposeScope();
        using var encoder = RandomClip.Create();
        string path = Path.Combine(_folder, "empty.safetensors");
        SafetensorsFile.Write(path, [new("encode_image", zeros(1))]);
        Assert.Contains("has no inputs", Assert.Throws<CheckpointException>(() => ParityLadder.Compare(encoder.Model, path)).Message,
            StringComparison.Ordinal);
        SafetensorsFile.Write(path, [new("token_ids", zeros(1, 4, dtype: int64))]);
        Assert.Contains("none of the outputs", Assert.Throws<CheckpointException>(() => ParityLadder.Compare(encoder.Model, path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Comparing_and_recording_leave_no_live_tensor()
    {
        using var encoder = RandomClip.Create();
        Compare();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Compare();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Compare() => ParityLadder.Compare(encoder.Model, Record(encoder), encoder.Processor);
    }

    private static string Recording(string name) => Repository.Reference("models", name, "outputs.safetensors");

    private string Record(ClipEncoder encoder)
    {
        string path = Path.Combine(_folder, "parity.safetensors");
        ParityLadder.Record(encoder, [RandomClip.Image(1), RandomClip.Image(2, 40, 30)], ["a cat", "a big dog"], path);
        return path;
    }

    private static void Rewrite(string path, Action<Dictionary<string, Tensor>> change, string? texts = null)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        Dictionary<string, string> notes;
        using (var file = SafetensorsFile.Open(path)) (tensors, notes) =
            (file.Names.ToDictionary(name => name, file.Read), new(file.Metadata));
        change(tensors);
        if (texts is not null) notes["texts"] = texts;
        SafetensorsFile.Write(path, tensors, notes);
    }
}
