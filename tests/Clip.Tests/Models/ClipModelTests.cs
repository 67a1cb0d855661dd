using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

public sealed class ClipModelTests
{
    private static readonly ClipConfig Tiny = new()
    {
        Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 32, Layers = 2, Heads = 2 },
        Text = new TextConfig { ContextLength = 12, VocabularySize = 50, Width = 32, Layers = 2, Heads = 2 },
        EmbeddingWidth = 16,
    };

    [Theory]
    [InlineData("vit_p8_i32", ScalarType.BFloat16)]
    [InlineData("vit_p8_i32", ScalarType.Float16)]
    [InlineData("vit_p14_i28", ScalarType.BFloat16)]
    [InlineData("vit_p14_i28", ScalarType.Float16)]
    [InlineData("rn_1111_i64", ScalarType.BFloat16)]
    [InlineData("rn_1111_i64", ScalarType.Float16)]
    public void Half_precision_points_where_float32_points(string name, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var reference = new ReferenceModel(name);
        var (model, images, ids) = (reference.Model, reference.Inputs["images"], reference.Inputs["token_ids"]);
        model.to(type);
        foreach (var (key, value) in model.named_parameters()) Assert.True(value.dtype == type, key);
        var (image, text) = (model.EncodeImage(images.to(type)), model.EncodeText(ids));
        Assert.Equal((type, type), (image.dtype, text.dtype));
        // 8 (bfloat16) or 11 (float16) bits of mantissa: 0.999 is what half precision must keep to be of use.
        Assert.All(Cosines(reference.Outputs["encode_image"], image), c => Assert.True(c >= 0.999, $"{c}"));
        Assert.All(Cosines(reference.Outputs["encode_text"], text), c => Assert.True(c >= 0.999, $"{c}"));

        static float[] Cosines(Tensor expected, Tensor actual) =>
            nn.functional.cosine_similarity(expected, actual.to(float32), 1).data<float>().ToArray();
    }

    [Fact]
    public void Layer_scale_multiplies_what_a_block_adds()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using ClipModel plain = Model(Tiny), one = Model(Scaled(1)), zero = Model(Scaled(0));
        one.load_state_dict(one.state_dict().ToDictionary(e => e.Key, e => plain.state_dict().GetValueOrDefault(e.Key, e.Value)));
        var (pixels, ids) = (randn(2, 3, 16, 16), Ids(2, 12));
        Close.Relative(plain.EncodeImage(pixels), one.EncodeImage(pixels), 1e-6);
        Close.Relative(plain.EncodeText(ids), one.EncodeText(ids), 1e-6);
        var tokens = zero.Visual.Embed(pixels);
        Assert.True(tokens.equal(zero.Visual.Transformer.call(tokens)).all().item<bool>());
        Assert.Equal([32L], zero.state_dict()["visual.transformer.resblocks.1.ls_2.gamma"].shape);

        static ClipConfig Scaled(double start) => Tiny with { Vision = Tiny.Vision with { LayerScale = start },
            Text = Tiny.Text with { LayerScale = start } };
    }

    [Fact]
    public void A_converted_model_still_trains_all_its_parameters()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Tiny);
        model.to(float64);
        var (pixels, ids) = (randn(2, 3, 16, 16, dtype: float64), Ids(2, 12));
        ContrastiveLoss.FromLogits(model.call(pixels, ids).LogitsPerImage).backward();
        foreach (var (name, parameter) in model.named_parameters()) Assert.False(parameter.grad is null, name);
        Assert.Same(model.LogitScale, model.named_parameters().Single(p => p.name == "logit_scale").parameter);
    }

    [Fact]
    public void Cutting_rows_after_the_end_token_changes_nothing()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = Model(Tiny);
        var ids = Ids(3, 12);
        ids[TensorIndex.Colon, 5] = 49;
        Close.Relative(model.EncodeText(ids), model.EncodeText(ids.narrow(1, 0, 6)), 1e-5); // another length, another order of summation
    }

    [Fact]
    public void Text_is_pooled_at_the_first_end_token_where_the_configuration_names_one()
    {
        using var scope = NewDisposeScope();
        using var first = new TextTransformer(Tiny with { Text = Tiny.Text with { EndOfTextId = 7 } });
        using var largest = new TextTransformer(Tiny);
        var ids = tensor(new long[,] { { 1, 7, 3, 7, 49, 49 }, { 1, 2, 3, 4, 7, 5 } });
        Assert.Equal([1L, 4L], first.EndPositions(ids).data<long>().ToArray());
        Assert.Equal([4L, 4L], largest.EndPositions(ids).data<long>().ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_explicit_softmax_equals_the_fused_attention(bool causal)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        random.manual_seed(1);
        using var attention = new MultiHeadAttention(32, 4, causal);
        var x = randn(2, 7, 32);
        var (output, weights) = attention.ForwardWithWeights(x);
        Close.Relative(attention.call(x), output, 1e-5); // the fused kernel sums blockwise
        Assert.Equal([2, 4, 7, 7], weights.shape);
        Close.Relative(ones(2, 4, 7), weights.sum(-1), 1e-6);
        Assert.Equal(causal, weights[0, 0, 0, 1].item<float>() == 0);
    }

    [Fact]
    public void A_traced_forward_equals_the_plain_one_and_names_what_it_passes()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = Model(Tiny);
        using var trace = new Trace();
        var pixels = randn(2, 3, 16, 16);
        Close.Relative(model.Visual.Pooled(pixels), model.Visual.Pooled(pixels, trace), 1e-5);
        Assert.Equal(["hidden.0", "attention.1", "hidden.1", "attention.2", "hidden.2"], trace.Names);
        Assert.Contains("hidden.2", Assert.Throws<KeyNotFoundException>(() => trace["hidden.3"]).Message);
    }

    [Fact]
    public void Forward_and_training_step_leave_no_live_tensor()
    {
        using var model = Model(Tiny);
        using var optimizer = optim.SGD(model.parameters(), 1e-3);
        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Step();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            ContrastiveLoss.FromLogits(model.call(randn(2, 3, 16, 16), Ids(2, 12)).LogitsPerImage).backward();
            optimizer.step();
            using var trace = new Trace();
            model.Visual.Pooled(randn(2, 3, 16, 16), trace);
            model.Text.Pooled(Ids(2, 12), trace);
        }
    }

    [Fact]
    public void Wrong_shapes_are_refused_with_both_shapes()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Tiny);
        Assert.Contains("(1, 3, 8, 8)", Assert.Throws<ArgumentException>(() => model.EncodeImage(zeros(1, 3, 8, 8))).Message);
        Assert.Contains("(2, 13)", Assert.Throws<ArgumentException>(() => model.EncodeText(zeros(2, 13, dtype: int64))).Message);
        Assert.Contains("(5)", Assert.Throws<ArgumentException>(() => model.EncodeText(zeros(5, dtype: int64))).Message);
    }

    [Fact]
    public void Initial_weights_follow_the_seed_and_openai_CLIPs_spreads()
    {
        using var scope = NewDisposeScope();
        var config = Tiny with { Text = Tiny.Text with { Width = 128, VocabularySize = 1000, Layers = 8 } };
        using ClipModel first = Model(config), second = Model(config);
        foreach (var (name, value) in first.state_dict()) Assert.True(value.equal(second.state_dict()[name]).all().item<bool>(), name);

        var state = first.state_dict();
        // The standard deviation of n samples is within 5 / √(2n) of the true one all but once in a million.
        Assert.All(new (string Name, double Spread)[]
        {
            ("token_embedding.weight", 0.02), ("positional_embedding", 0.01), ("text_projection", Math.Pow(128, -0.5)),
            ("transformer.resblocks.0.attn.in_proj_weight", Math.Pow(128, -0.5)),
            ("transformer.resblocks.0.attn.out_proj.weight", Math.Pow(128, -0.5) * Math.Pow(16, -0.5)),
            ("transformer.resblocks.0.mlp.c_fc.weight", Math.Pow(256, -0.5)),
            ("transformer.resblocks.0.mlp.c_proj.weight", Math.Pow(128, -0.5) * Math.Pow(16, -0.5)),
        }, p => Assert.InRange(state[p.Name].std().ToDouble() / p.Spread, 1 - 5 / Math.Sqrt(2 * state[p.Name].numel()),
            1 + 5 / Math.Sqrt(2 * state[p.Name].numel())));
        Assert.Equal(Math.Log(1 / 0.07), state["logit_scale"].ToDouble(), 1e-6);
    }

    private static ClipModel Model(ClipConfig config)
    {
        random.manual_seed(5);
        return new ClipModel(config);
    }

    private static Tensor Ids(long rows, long length) => randint(1, 48, [rows, length], dtype: int64);
}
