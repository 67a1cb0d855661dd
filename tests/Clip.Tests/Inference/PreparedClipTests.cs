using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

public sealed class PreparedClipTests
{
    /// <summary>
    /// Layer scales, other activations and a single block take their own ways through the preparation; a width of no whole cache lines
    /// goes through oneDNN also in float32, and heads of 24 or 40 fill no tile.
    /// </summary>
    public static TheoryData<Activation, double?, int, int> Shapes => new()
    {
        { Activation.QuickGelu, null, 3, 64 },
        { Activation.Gelu, null, 2, 64 },
        { Activation.GeluTanh, null, 2, 64 },
        { Activation.QuickGelu, 0.3, 2, 64 },
        { Activation.QuickGelu, null, 1, 64 },
        { Activation.QuickGelu, null, 2, 96 },
        { Activation.Gelu, 0.3, 2, 160 },
        { Activation.QuickGelu, null, 2, 72 },
        { Activation.Gelu, 0.3, 1, 72 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void In_float32_embeddings_equal_the_plain_models(Activation activation, double? layerScale, int layers, int width)
    {
        using var scope = NewDisposeScope();
        using var model = Model(activation, layerScale, layers, width);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        var (pixels, ids) = (randn(5, 3, 32, 32), Ids());
        using var _ = no_grad();
        // Sums in another order: a few units in float32's last place at each of some ten steps.
        Close.Relative(model.EncodeImage(pixels), prepared.EncodeImage(pixels), 1e-5);
        Close.Relative(model.EncodeText(ids), prepared.EncodeText(ids), 1e-5);
        Assert.Equal(Precision.Float32, prepared.Precision);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void In_half_precision_embeddings_keep_a_cosine_similarity_of_0_999(
        Activation activation, double? layerScale, int layers, int width) =>
        Assert.All([Precision.BFloat16, Precision.Float16], precision =>
    {
        using var scope = NewDisposeScope();
        using var model = Model(activation, layerScale, layers, width);
        using var prepared = PreparedClip.Prepare(model, precision);
        var (pixels, ids) = (randn(5, 3, 32, 32), Ids());
        using var _ = no_grad();
        foreach (var (plain, fast) in new[] { (model.EncodeImage(pixels), prepared.EncodeImage(pixels)),
            (model.EncodeText(ids), prepared.EncodeText(ids)) })
        {
            Assert.Equal(ScalarType.Float32, fast.dtype);
            Assert.True(nn.functional.cosine_similarity(plain, fast, 1).min().ToDouble() >= 0.999);
        }
    });

    [Fact]
    public void A_batch_that_is_encoded_in_parts_comes_out_whole_and_in_order()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Activation.QuickGelu, null, 2);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        var pixels = randn(101, 3, 32, 32); // of 17 tokens: several parts of 11 images or, through oneDNN, 47
        using var _ = no_grad();
        Close.Relative(model.EncodeImage(pixels), prepared.EncodeImage(pixels), 1e-5);
    }

    [Fact]
    public void Threads_share_one()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Activation.QuickGelu, null, 2);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        var pixels = randn(3, 3, 32, 32);
        using var alone = prepared.EncodeImage(pixels);
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            using var inner = NewDisposeScope();
            Close.Relative(alone, prepared.EncodeImage(pixels), 1e-6); // the same arithmetic
        });
    }

    [Theory]
    [InlineData(Precision.BFloat16, 64, "oneDNN")] // libtorch on a processor without AVX-512
    [InlineData(Precision.Float32, 72, "oneDNN")]
    [InlineData(Precision.Float32, 64, "this library, for AVX")]
    public void On_x64_the_products_go_through_oneDnn_or_in_float32_through_this_librarys_own(
        Precision precision, int width, string products)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64,
            "libtorch has oneDNN on x64; elsewhere its own linear is used.");
        using var model = Model(Activation.QuickGelu, null, 1, width);
        using var prepared = PreparedClip.Prepare(model, precision);
        bool plain = precision == Precision.BFloat16 && !OneDnnLinear.IsSupportedInBFloat16;
        string expected = plain ? "libtorch" : Tile.IsSupported ? products : "oneDNN";
        if (Tile.IsSupported) expected = expected.Replace("AVX", Tile.Instructions, StringComparison.Ordinal);
        Assert.Contains($"products by {expected}:", prepared.Description, StringComparison.Ordinal);
    }

    /// <summary>SigLIP's towers; a width of no whole cache lines goes through oneDNN also in float32.</summary>
    [Theory]
    [InlineData(64, "this library, for AVX")]
    [InlineData(72, "oneDNN")]
    public void Towers_with_clips_blocks_alone_give_the_plain_models_embeddings(int width, string products)
    {
        using var scope = NewDisposeScope();
        using var model = Siglip(width, PatchStem.BiasedPatches);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        // More tokens than go together at a time, and one sequence of each.
        var (pixels, ids) = (randn(61, 3, 32, 32), randint(0, 50, [70, 12], int64));
        using var _ = no_grad();
        foreach (int count in new[] { 61, 1 })
        {
            Close.Relative(model.EncodeImage(pixels[..count]), prepared.EncodeImage(pixels[..count]), 1e-5);
            Close.Relative(model.EncodeText(ids[..count]), prepared.EncodeText(ids[..count]), 1e-5);
        }
        Assert.SkipUnless(Tile.IsSupported, "The processor has neither AVX-512 nor AVX2: all goes through oneDNN.");
        Assert.Contains($"products by {products.Replace("AVX", Tile.Instructions, StringComparison.Ordinal)}:", prepared.Description,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Places_without_a_patch_change_no_embedding()
    {
        using var scope = NewDisposeScope();
        using var model = Siglip(64, PatchStem.FlatPatches);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        (int Rows, int Columns)[] grids = [(4, 4), (2, 3), (1, 16), (5, 1)];
        var images = full([grids.Length, 16, 3 * 8 * 8 + 2], -1, dtype: float32);
        foreach (var (image, (rows, columns)) in grids.Index())
            for (int place = 0; place < rows * columns; place++)
                images[image, place] = cat([randn(3 * 8 * 8), tensor(new float[] { place / columns, place % columns })], 0);
        using var _ = no_grad();
        var together = prepared.EncodeImage(images);
        Close.Relative(model.EncodeImage(images), together, 1e-5);
        for (int image = 0; image < grids.Length; image++) Close.Relative(
            prepared.EncodeImage(images.narrow(0, image, 1).narrow(1, 0, grids[image].Rows * grids[image].Columns)),
            together.narrow(0, image, 1), 1e-5);
    }

    [Fact]
    public void Images_of_another_size_have_their_positions_interpolated_as_in_the_plain_model()
    {
        using var scope = NewDisposeScope();
        using var model = Model(Activation.QuickGelu, null, 2);
        model.Visual.InterpolatePositions = true;
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        using var _ = no_grad();
        foreach (var pixels in new[] { randn(2, 3, 40, 27), randn(1, 3, 8, 8), randn(3, 3, 64, 64).transpose(2, 3), randn(30, 3, 56, 56) })
            Close.Relative(model.EncodeImage(pixels), prepared.EncodeImage(pixels), 1e-5);
    }

    /// <summary>EVA02's blocks are no CLIP's: in half precision the tower's own form is copied.</summary>
    [Fact]
    public void A_copy_in_half_precision_takes_images_of_another_size_too()
    {
        using var scope = NewDisposeScope();
        manual_seed(13);
        using var model = Trained(new ClipModel(new ClipConfig
        {
            Vision = new VisionConfig
            {
                ImageSize = 32, PatchSize = 8, Width = 64, Layers = 2, Heads = 4, Block = BlockOptions.Clip with { QueryKeyNorm = true },
            },
            Text = Text(1),
            EmbeddingWidth = 24,
        }));
        model.Visual.InterpolatePositions = true;
        using var prepared = PreparedClip.Prepare(model, Precision.BFloat16);
        var pixels = randn(2, 3, 40, 48);
        using var _ = no_grad();
        Assert.InRange(nn.functional.cosine_similarity(model.EncodeImage(pixels), prepared.EncodeImage(pixels), 1).min().ToDouble(),
            0.999, 1.001);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(49)]
    public void Captions_are_pooled_where_the_plain_model_pools_them(int? endOfText)
    {
        using var scope = NewDisposeScope();
        using var model = Model(Activation.QuickGelu, null, 2, endOfText: endOfText);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        using var _ = no_grad();
        // Two end tokens; none; the first; all alike; more captions than go together at a time.
        foreach (var ids in new[] { tensor(new long[,] { { 1, 49, 3, 49 }, { 1, 2, 3, 4 }, { 49, 1, 2, 3 }, { 7, 7, 7, 7 } }),
            randint(0, 50, [90, 12], int64), randint(0, 50, [12, 5], int64).t() })
            Close.Relative(model.EncodeText(ids), prepared.EncodeText(ids), 1e-5);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(-1)]
    public void An_id_that_the_vocabulary_has_not_is_named(long id)
    {
        Assert.SkipUnless(Tile.IsSupported, "Elsewhere libtorch refuses it.");
        using var model = Model(Activation.QuickGelu, null, 1);
        using var prepared = PreparedClip.Prepare(model, Precision.Float32);
        using var ids = tensor(new[,] { { 1, id, 49 } });
        Assert.Contains($"0 to 49; it was given {id}.", Assert.Throws<ArgumentException>(() => prepared.EncodeText(ids)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Auto_says_what_it_chose()
    {
        using var model = Model(Activation.QuickGelu, null, 1);
        using var prepared = PreparedClip.Prepare(model);
        Assert.NotEqual(Precision.Auto, prepared.Precision);
        Assert.Contains("bfloat16", prepared.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Precision.BFloat16)]
    [InlineData(Precision.Float16)]
    public void At_ViT_B_32s_full_size_half_precision_keeps_a_cosine_similarity_of_0_999(Precision precision)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var model = new ClipModel(ClipConfig.ViTB32);
        model.eval();
        using var prepared = PreparedClip.Prepare(model, precision);
        var (pixels, ids) = (randn(2, 3, 224, 224), randint(1, 49407, [2, 12], int64));
        using var _ = no_grad();
        foreach (var (plain, fast) in new[] { (model.EncodeImage(pixels), prepared.EncodeImage(pixels)),
            (model.EncodeText(ids), prepared.EncodeText(ids)) })
            Assert.InRange(nn.functional.cosine_similarity(plain, fast, 1).min().ToDouble(), 0.999, 1.001);
    }

    /// <summary>A GPU has the second of the two ways; it can be held against the first here.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(Activation.QuickGelu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.GeluTanh)]
    public void OneDnns_products_and_libtorchs_own_are_equal(Activation? then)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var (weight, bias, x, y) = (randn(24, 16), randn(24), randn(3, 5, 16), randn(3, 5, 24));
        Assert.SkipUnless(OneDnnLinear.IsSupported, "This build of libtorch has no oneDNN.");
        using var _ = no_grad();
        using var fast = new OneDnnLinear(weight, bias, then);
        using var plain = new PlainLinear(weight, bias, then);
        Close.Relative(plain.Call(x), fast.Call(x), 1e-5); // sums of 16 terms in another order
        Close.Relative(plain.CallAndAdd(x, y), fast.CallAndAdd(x, y), 1e-5);
    }

    [Fact]
    public void On_a_gpu_auto_is_bfloat16()
    {
        var (precision, reason) = PrecisionProbe.Choose(DeviceType.CUDA);
        Assert.Equal((Precision.BFloat16, "the model is on a GPU"), (precision, reason));
    }

    [Fact]
    public void A_resnets_image_tower_stays_as_it_is()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var model = new ClipModel(new ClipConfig { Vision = VisionConfig.ResNet(64, 8, (1, 1, 1, 1)), Text = Text(2),
            EmbeddingWidth = 16 });
        model.eval();
        using var prepared = PreparedClip.Prepare(model, Precision.BFloat16);
        var pixels = randn(2, 3, 64, 64);
        using var _ = no_grad();
        Close.Relative(model.EncodeImage(pixels), prepared.EncodeImage(pixels), 1e-6); // the same arithmetic
    }

    [Fact]
    public void A_model_in_half_precision_is_refused()
    {
        using var model = Model(Activation.QuickGelu, null, 1);
        model.to(ScalarType.BFloat16);
        Assert.Contains("float32", Assert.Throws<ArgumentException>(() => PreparedClip.Prepare(model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        using var model = Model(Activation.QuickGelu, 0.3, 2);
        using var pixels = randn(2, 3, 32, 32);
        using var ids = Ids();
        void Use()
        {
            foreach (var precision in new[] { Precision.BFloat16, Precision.Float32 })
            {
                using var prepared = PreparedClip.Prepare(model, precision);
                prepared.EncodeImage(pixels).Dispose();
                prepared.EncodeText(ids).Dispose();
            }
        }
        Use();
        long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Use();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void An_encoder_uses_it_once_prepared_and_gives_the_same_embeddings()
    {
        using var scope = NewDisposeScope();
        using var encoder = RandomClip.Create();
        var images = Enumerable.Range(0, 3).Select(i => RandomClip.Image(i)).ToArray();
        string[] texts = ["a cat", "a red circle above a blue square", "", "two dogs"];
        var (image, text) = (encoder.EncodeImages(images), encoder.EncodeTexts(texts));
        encoder.Prepare(Precision.Float32);
        Close.Relative(image, encoder.EncodeImages(images), 1e-5);
        Close.Relative(text, encoder.EncodeTexts(texts), 1e-5);
        using (no_grad()) foreach (var parameter in encoder.Model.Text.Transformer.parameters()) parameter.zero_();
        Close.Relative(text, encoder.EncodeTexts(texts), 1e-5); // still the weights of that moment
    }

    private static ClipModel Model(Activation activation, double? layerScale, int layers, int width = 64, int? endOfText = 49)
    {
        manual_seed(11);
        var model = new ClipModel(new ClipConfig
        {
            Vision = new VisionConfig { ImageSize = 32, PatchSize = 8, Width = width, Layers = layers, Heads = 4, LayerScale = layerScale },
            Text = Text(layers) with { Width = width, LayerScale = layerScale, EndOfTextId = endOfText },
            EmbeddingWidth = 24,
            Activation = activation,
        });
        return Trained(model);
    }

    private static ClipModel Siglip(int width, PatchStem stem)
    {
        manual_seed(12);
        var whole = ClipConfig.SiglipBasePatch16;
        return Trained(new ClipModel(whole with
        {
            EmbeddingWidth = width,
            Vision = whole.Vision with
            {
                ImageSize = 32, PatchSize = 8, Width = width, Layers = 2, Heads = 4, MlpWidth = 112, Stem = stem,
                AttentionPool = new AttentionPoolConfig { Heads = 4, MlpWidth = 64 },
            },
            Text = whole.Text with { ContextLength = 12, VocabularySize = 50, Width = width, Layers = 2, Heads = 4, MlpWidth = 112 },
        }));
    }

    /// <summary>With weights that a trained model has, rather than zeros and ones: biases and gains would not be seen otherwise.</summary>
    private static ClipModel Trained(ClipModel model)
    {
        using (no_grad())
            foreach (var parameter in model.parameters().Where(p => p.dim() == 1)) using (var noise =
                randn_like(parameter)) using (Scalar some = 0.1) parameter.add_(noise, some);
        model.eval();
        return model;
    }

    private static TextConfig Text(int layers) =>
        new() { ContextLength = 12, VocabularySize = 50, Width = 64, Layers = layers, Heads = 4, EndOfTextId = 49 };

    /// <summary>Rows that end at different places, one of them at the last.</summary>
    private static Tensor Ids() => tensor(new long[,]
    {
        { 48, 3, 49, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
        { 48, 5, 6, 7, 8, 9, 49, 0, 0, 0, 0, 0 },
        { 48, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 49 },
    });
}
