using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// Every family against the package that it comes from (Reference/families: open_clip, timm and transformers of November 2026), on small
/// models. Tolerances are those that the reference states: 5e-6 of the
/// largest magnitude in float32, where its own float32 lies within 2e-6 of its float64; 1e-10 in float64. A wrong ε or GELU moves outputs
/// by more (<c>relative_change_if_wrong</c>).
/// </summary>
public sealed class FamilyTests : IDisposable
{
    private const double Single = 5e-6, Double = 1e-10;

    private readonly string _folder = Directory.CreateTempSubdirectory("family").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Models =>
    [
        "oc_plain", "oc_custom", "oc_qk_norm", "oc_block_all", "oc_pool_avg_first", "oc_pool_last", "oc_pool_none", "oc_clipa",
            "oc_sin_cos_2d", "oc_proj_none", "oc_proj_bias", "oc_eos_ls", "oc_patch_dropout",
        "oc_attn_pool", "oc_attn_pool_avg", "oc_coca", "oc_siglip_timm", "oc_siglip2_timm", "oc_pe_core_t", "oc_pe_core_g", "oc_eva01_g",
            "oc_eva02_b", "oc_eva02_l", "oc_eva02_e", "oc_mobileclip_b", "oc_vitamin",
        "oc_convnext", "oc_convnext_mlp", "oc_convnext_xxlarge", "oc_mobileclip_s", "oc_mobileclip2_s3", "oc_xlm_roberta", "oc_roberta",
            "oc_xlm_roberta_cls",
        "hf_siglip", "hf_siglip2_fixed", "hf_siglip_nohead_act", "hf_siglip2_naflex", "hf_metaclip2", "hf_altclip", "hf_chineseclip",
    ];

    public static TheoryData<string> Towers => ["hf_CLIPVisionModel", "hf_CLIPVisionModelWithProjection", "hf_SiglipVisionModel",
        "hf_CLIPTextModel", "hf_CLIPTextModelWithProjection", "hf_SiglipTextModel"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Hidden_states_embeddings_and_logits_equal_the_references(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        foreach (var (type, suffix, tolerance) in new[] { (float32, "", Single), (float64, ".f64", Double) })
        {
            using var scope = NewDisposeScope();
            using var _ = inference_mode();
            using var model = ClipCheckpoint.FromPretrained(_folder, dtype: type);
            using Trace vision = new(), text = new();
            var ids = family.Outputs.Read("in.token_ids");
            var image = EncodeImage(family, model, type, vision);
            var embedded = model.EncodeText(ids);
            model.Text.LastHiddenState(ids, text);
            Close.Relative(family.Outputs.Read($"encode_image{suffix}"), image, tolerance);
            Close.Relative(family.Outputs.Read($"encode_text{suffix}"), embedded, tolerance);
            if (family.Outputs.Contains("logits_per_image"))
            {
                Tensor unit = nn.functional.normalize(image, p: 2, dim: -1), other = nn.functional.normalize(embedded, p: 2, dim: -1);
                var logits = unit.mm(other.t()) * model.LogitScale.exp();
                Close.Relative(family.Outputs.Read($"logits_per_image{suffix}"), model.LogitBias is null ? logits
                    : logits + model.LogitBias, tolerance);
                if (model.Config.Vision.Stem != PatchStem.FlatPatches) Close.Relative(family.Outputs.Read($"logits_per_image{suffix}"),
                    model.call(family.Images().to(type), ids).LogitsPerImage, tolerance);
            }
            foreach (var (tower, trace) in new[] { ("vision", vision), ("text", text) })
                foreach (var (place, index) in new[] { ("first", 1), ("last", Blocks(model, tower)) })
                    Compare(family, $"{tower}.hidden.{place}", suffix,
                        trace[tower == "vision" && model.Config.Vision.Convolutional is not null ? $"layer{index}" : $"hidden.{index}"],
                        tolerance);
        }
    }

    /// <summary>Windows that do not overlap leave the rest out; those that do would make a cell of it.</summary>
    [Theory]
    [InlineData("oc_mobileclip_b", false)]
    [InlineData("oc_vitamin", true)]
    public void Pixels_past_the_last_whole_cell_are_left_out_or_refused_with_the_cells_size(string name, bool refused)
    {
        using var family = FamilyCase.Write(name, _folder);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        model.Visual.InterpolatePositions = true;
        var pixels = randn(2, 3, 40, 50);
        var whole = model.EncodeImage(pixels.narrow(2, 0, 32).narrow(3, 0, 48).contiguous());
        Assert.Equal([2L, model.Config.EmbeddingWidth], whole.shape);
        if (!refused) Close.Relative(whole, model.EncodeImage(pixels), Single);
        else
        {
            string message = Assert.Throws<ArgumentException>(() => model.EncodeImage(pixels)).Message;
            Assert.Contains("multiples of 16 pixels", message, StringComparison.Ordinal);
            Assert.Contains("(2, 3, 40, 50)", message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Towers))]
    public void A_tower_alone_equals_the_references(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        bool sees = name.Contains("Vision", StringComparison.Ordinal);
        foreach (var (type, suffix, tolerance) in new[] { (float32, "", Single), (float64, ".f64", Double) })
        {
            using var scope = NewDisposeScope();
            using var _ = inference_mode();
            using var trace = new Trace();
            Tensor last, pooled, output;
            if (sees)
            {
                using var tower = ClipCheckpoint.VisionFromPretrained(_folder, dtype: type);
                var images = family.Images().to(type);
                (last, pooled, output) = (tower.LastHiddenState(images, trace), tower.Pooled(images), tower.call(images));
            }
            else
            {
                using var tower = ClipCheckpoint.TextFromPretrained(_folder, dtype: type);
                var ids = family.Outputs.Read("in.token_ids");
                (last, pooled, output) = (tower.LastHiddenState(ids, trace), tower.Pooled(ids), tower.call(ids));
            }
            Close.Relative(family.Outputs.Read($"last_hidden_state{suffix}"), last, tolerance);
            if (family.Outputs.Contains("pooler_output")) Close.Relative(family.Outputs.Read($"pooler_output{suffix}"),
                name == "hf_SiglipTextModel" ? output : pooled, tolerance);
            string embeds = sees ? "image_embeds" : "text_embeds";
            if (family.Outputs.Contains(embeds)) Close.Relative(family.Outputs.Read($"{embeds}{suffix}"), output, tolerance);
            Compare(family, sees ? "vision.hidden.first" : "text.hidden.first", suffix, trace["hidden.1"], tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Towers))]
    public void The_prepared_form_of_a_tower_alone_gives_the_references_outputs(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        bool sees = name.Contains("Vision", StringComparison.Ordinal);
        using VisionTransformer? vision = sees ? ClipCheckpoint.VisionFromPretrained(_folder) : null;
        using TextTransformer? text = sees ? null : ClipCheckpoint.TextFromPretrained(_folder);
        Tensor inputs = sees ? family.Images() : family.Outputs.Read("in.token_ids");
        string embeds = sees ? "image_embeds" : "text_embeds";
        var expected = family.Outputs.Read(family.Outputs.Contains(embeds) ? embeds : "pooler_output");
        foreach (var (precision, cosine) in new[] { (Precision.Float32, 1 - 1e-6), (Precision.BFloat16, 0.999) })
        {
            using var prepared = vision is not null ? PreparedTower.Prepare(vision, precision) : PreparedTower.Prepare(text!, precision);
            double least = Least(expected, prepared.Encode(inputs));
            Assert.True(least >= cosine, $"{precision} ({prepared.Description}): the least cosine is {least}.");
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_models_parameters_have_the_names_and_shapes_of_the_references_state_dict(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        using var scope = NewDisposeScope();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        var naming = ParameterNames.Detect(family.Names)!.Value;
        using var weights =
            SafetensorsFile.Open(Path.Combine(_folder, family.IsOpenClip ? "open_clip_model.safetensors" : "model.safetensors"));
        var names = ModelNames.In(weights, ModelNames.Of(model.Config, naming));
        var ours = model.state_dict().SelectMany(pair => names(pair.Key).Sources.Zip(names(pair.Key).Shapes(pair.Value.shape),
            (key, shape) => $"{key} {string.Join(',', shape)}"));
        var theirs = family.Root.GetProperty("state_dict").EnumerateArray()
            .Select(entry => $"{entry.GetProperty("name").GetString()} {string.Join(',', entry.GetProperty("shape").EnumerateArray())}")
            .Where(entry => !entry.StartsWith("text_decoder.", StringComparison.Ordinal));
        Assert.Equal(theirs.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Patches_that_say_where_they_stand_are_encoded_as_the_reference_does()
    {
        using var family = FamilyCase.Write("hf_siglip2_naflex", _folder);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        Close.Relative(family.Outputs.Read("encode_image"), model.EncodeImage(family.PlacedPatches()), Single);
        var ids = family.Outputs.Read("in.token_ids");
        Close.Relative(family.Outputs.Read("logits_per_image"), model.call(family.PlacedPatches(), ids).LogitsPerImage, Single);
        var refusal = Assert.Throws<ArgumentException>(() => model.EncodeImage(family.Outputs.Read("in.pixel_values")));
        Assert.Contains("(B, N, 3 P² + 2) = (any, any, 194)", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("published_as")]
    [InlineData("transformers_5_saves_as")]
    public void AltCLIPs_three_namings_are_read(string naming)
    {
        using var family = FamilyCase.Write("hf_altclip", _folder, naming);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        Close.Relative(family.Outputs.Read("encode_image"), model.EncodeImage(family.Images()), Single);
        Close.Relative(family.Outputs.Read("encode_text"), model.EncodeText(family.Outputs.Read("in.token_ids")), Single);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_is_saved_as_it_was_published_and_comes_back_bit_for_bit(string name)
    {
        using var family = FamilyCase.Write(name, _folder, "published_as");
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        string saved = Path.Combine(_folder, "saved");
        ClipCheckpoint.SavePretrained(model, saved, family.IsOpenClip ? CheckpointLayout.OpenClip : CheckpointLayout.HuggingFace);
        using var loaded = ClipCheckpoint.FromPretrained(saved);
        Assert.Equal(model.Config, loaded.Config);
        var expected = model.state_dict();
        Assert.All(loaded.state_dict(), pair => Assert.True(expected[pair.Key].equal(pair.Value).all().item<bool>(), pair.Key));
        string weights = family.IsOpenClip ? "open_clip_model.safetensors" : "model.safetensors";
        using SafetensorsFile before = SafetensorsFile.Open(Path.Combine(_folder, weights)),
            after = SafetensorsFile.Open(Path.Combine(saved, weights));
        bool root = !after.Names.Any(key => key.StartsWith("text.", StringComparison.Ordinal));
        var theirs = family.Names.Where(key => !key.StartsWith("text_decoder.", StringComparison.Ordinal)).ToDictionary(key => root
            && key.StartsWith("text.", StringComparison.Ordinal) ? key["text.".Length..] : key);
        Assert.Equal(theirs.Keys.Order(StringComparer.Ordinal), after.Names.Order(StringComparer.Ordinal));
        Assert.All(theirs, pair => Assert.True(before.Read(pair.Value).equal(after.Read(pair.Key)).all().item<bool>(), pair.Key));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void The_prepared_form_gives_the_models_embeddings(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var model = ClipCheckpoint.FromPretrained(_folder);
        Tensor images = family.IsFlexible ? family.PlacedPatches() : family.Images(), ids = family.Outputs.Read("in.token_ids");
        foreach (var (precision, cosine) in new[] { (Precision.Float32, 1 - 1e-6), (Precision.BFloat16, 0.999) })
        {
            using var prepared = PreparedClip.Prepare(model, precision);
            Tensor image = prepared.EncodeImage(images), text = prepared.EncodeText(ids);
            Assert.Equal((float32, float32), (image.dtype, text.dtype));
            double least = Math.Min(Least(model.EncodeImage(images), image), Least(model.EncodeText(ids), text));
            Assert.True(least >= cosine, $"{precision} ({prepared.Description}): the least cosine is {least}.");
        }
    }

    private static double Least(Tensor expected, Tensor actual) =>
        nn.functional.cosine_similarity(expected, actual, -1).min().ToDouble();

    private static Tensor EncodeImage(FamilyCase family, ClipModel model, ScalarType type, Trace trace)
    {
        if (model.Config.Vision.Stem == PatchStem.FlatPatches) return model.Visual.EncodePatches(
            family.Outputs.Read("in.pixel_values").to(type), family.Outputs.Read("in.spatial_shapes"), trace);
        var images = family.Images().to(type);
        switch (model.ImageTower)
        {
            case VisionTransformer tower: tower.LastHiddenState(images, trace); break;
            case ConvNext tower: tower.Features(images, trace); break;
            case FastVit tower: tower.Features(images, trace); break;
        }
        return model.EncodeImage(images);
    }

    private static int Blocks(ClipModel model, string tower) => tower == "text" ? model.Config.Text.Layers
        : model.Config.Vision.Convolutional?.Depths.Count ?? model.Config.Vision.Layers;

    /// <summary>Kept are all images' states or the first's; rows that are padding mean nothing.</summary>
    private static void Compare(FamilyCase family, string name, string suffix, Tensor actual, double tolerance)
    {
        if (!family.Outputs.Contains(name + suffix)) return;
        var expected = family.Outputs.Read(name + suffix);
        if (expected.shape[0] < actual.shape[0]) actual = actual.narrow(0, 0, expected.shape[0]);
        if (name.StartsWith("vision", StringComparison.Ordinal) && family.Outputs.Contains("in.pixel_attention_mask"))
        {
            var seen = family.Outputs.Read("in.pixel_attention_mask").to(expected.dtype).unsqueeze(-1);
            (expected, actual) = (expected * seen, actual * seen);
        }
        Close.Relative(expected, actual, tolerance);
    }
}
