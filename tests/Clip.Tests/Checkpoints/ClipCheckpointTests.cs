using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Reference: models/, made by openai/CLIP's model class on PyTorch 2.14.1; hf.safetensors are the same weights under Hugging Face's names.
/// </summary>
public sealed class ClipCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("checkpoint").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Of the largest magnitude: float32 against float64 gave up to 1e-6 of it, 2e-6 for the ResNet (reference README, "Tolerances seen").
    [Theory]
    [InlineData("vit_p8_i32", "hf.safetensors", true, "")]
    [InlineData("vit_p14_i28", "hf.safetensors", true, "")]
    [InlineData("vit_p14_i28", "openai.safetensors", false, "")]
    [InlineData("vit_p14_i28", "openai_fp16.safetensors", false, "fp16.")]
    [InlineData("rn_1111_i64", "openai.safetensors", false, "", 5e-5)]
    public void A_reference_model_gives_the_reference_outputs(string name, string file, bool config, string prefix, double tolerance = 1e-5)
    {
        Prepare(name, file, config);
        using var model = ClipCheckpoint.FromPretrained(_folder);
        using var inputs = SafetensorsFile.Open(Repository.Reference("models", name, "inputs.safetensors"));
        using var outputs = SafetensorsFile.Open(Repository.Reference("models", name, "outputs.safetensors"));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        Tensor images = inputs.Read("images"), ids = inputs.Read("token_ids");
        Close.Relative(outputs.Read(prefix + "encode_image"), model.EncodeImage(images), tolerance);
        Close.Relative(outputs.Read(prefix + "encode_text"), model.EncodeText(ids), tolerance);
        Close.Relative(outputs.Read(prefix + "logits_per_image"), model.call(images, ids).LogitsPerImage, tolerance);
    }

    [Fact]
    public void A_saved_model_comes_back_bit_for_bit()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Assert.Equal(model.Config with { Vision = model.Config.Vision with { MlpWidth = 64 },
            Text = model.Config.Text with { MlpWidth = 64 } }, loaded.Config);
        Equal(model, loaded);
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("vit_p8_i32", CheckpointLayout.HuggingFace, "model.safetensors", "hf.safetensors")]
    [InlineData("vit_p14_i28", CheckpointLayout.HuggingFace, "model.safetensors", "hf.safetensors")]
    [InlineData("vit_p8_i32", CheckpointLayout.OpenClip, "open_clip_model.safetensors", "openai.safetensors")]
    [InlineData("rn_1111_i64", CheckpointLayout.OpenClip, "open_clip_model.safetensors", "openai.safetensors")]
    public void What_is_saved_has_the_names_shapes_and_values_of_the_reference_file(
        string name, CheckpointLayout layout, string saved, string reference)
    {
        using (var model = ClipCheckpoint.FromPretrained(
            Repository.Reference("models", name, "openai.safetensors"))) ClipCheckpoint.SavePretrained(model, _folder, layout);
        using var expected = SafetensorsFile.Open(Repository.Reference("models", name, reference));
        using var actual = SafetensorsFile.Open(Path.Combine(_folder, saved));
        using var scope = NewDisposeScope();
        // Hugging Face's loader refuses a file that does not say "pt".
        Assert.Equal("pt", actual.Metadata["format"]);
        var names = expected.Names.Where(key => !ParameterNames.IsIgnored(key)).ToList();
        Assert.Equal(names.Order(StringComparer.Ordinal), actual.Names.Order(StringComparer.Ordinal));
        foreach (string key in names)
        {
            Assert.Equal((expected.Entry(key).Type, string.Join(",", expected.Shape(key))),
                (actual.Entry(key).Type, string.Join(",", actual.Shape(key))));
            Assert.True(expected.Read(key).equal(actual.Read(key)).all().item<bool>(), key);
        }
    }

    [Fact]
    public void Loading_leaves_no_tensor_but_the_models()
    {
        Prepare("vit_p14_i28", "hf.safetensors", true);
        var statistics = DisposeScopeManager.Statistics.TensorStatistics;
        using (var warm = ClipCheckpoint.FromPretrained(_folder)) { }
        long before = statistics.ThreadTotalLiveCount;
        using (var model = ClipCheckpoint.FromPretrained(_folder)) { }
        Assert.Equal(before, statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_configuration_that_contradicts_the_weights_is_named()
    {
        Prepare("vit_p8_i32", "hf.safetensors", true);
        string config = Path.Combine(_folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"patch_size\": 8", "\"patch_size\": 16", StringComparison.Ordinal));
        var error = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder));
        Assert.Contains("vision_model.embeddings.patch_embedding.weight is (128, 3, 8, 8), the configuration asks for (128, 3, 16, 16): " +
            "see vision_config.hidden_size and patch_size", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_left_over_tensors_are_listed()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder);
        string weights = Path.Combine(_folder, "model.safetensors");
        var tensors = new Dictionary<string, Tensor>();
        using (var file = SafetensorsFile.Open(weights))
            foreach (var entry in file.Entries) tensors[entry.Name == "logit_scale" ? "logit_scales" : entry.Name] = file.Read(entry.Name);
        SafetensorsFile.Write(weights, tensors);
        var error = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder));
        Assert.Contains("logit_scale is missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("logit_scales is left over", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_model_says_what_was_looked_for()
    {
        Assert.Contains("model.safetensors", Assert.Throws<FileNotFoundException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
            StringComparison.Ordinal);
        Assert.Contains("no model folder", Assert.Throws<FileNotFoundException>(
            () => ClipCheckpoint.FromPretrained(Path.Combine(_folder, "none"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_weights_loads_as_its_folder_does()
    {
        string file = Repository.Reference("models", "vit_p14_i28", "openai_fp16.safetensors");
        using var model = ClipCheckpoint.FromPretrained(file);
        Assert.Equal((28, 14, 192, 48), (model.Config.Vision.ImageSize, model.Config.Vision.PatchSize, model.Config.Vision.Width,
            model.Config.EmbeddingWidth));
    }

    [Theory]
    [InlineData("\"hidden_size\": 128", "\"hidden_size\": 1000000000", "\"vision_config.hidden_size\" is 1000000000; a whole number from " +
        "1 to 65536 is needed")]
    [InlineData("\"hidden_size\": 128", "\"hidden_size\": \"wide\"", "\"vision_config.hidden_size\" is \"wide\"; a whole number")]
    [InlineData("\"image_size\": 32", "\"image_size\": 7", "Vision.ImageSize is 7, less than Vision.PatchSize (8)")]
    [InlineData("\"num_hidden_layers\": 3,\n    \"patch_size\"", "\"num_hidden_layers\": 4,\n    \"patch_size\"",
        "vision_config.num_hidden_layers is 4, the file has 3 blocks")]
    [InlineData("\"num_channels\": 3", "\"num_channels\": 1", "\"vision_config.num_channels\" is 1; 3 is supported")]
    [InlineData("\"hidden_act\": \"quick_gelu\"", "\"hidden_act\": \"relu\"", "\"vision_config.hidden_act\" is \"relu\"; \"quick_gelu\", " +
        "\"gelu\" and \"gelu_pytorch_tanh\" are supported", true)]
    [InlineData("\"model_type\": \"clip\"", "\"model_type\": \"blip\"", "\"model_type\" is \"blip\"; \"clip\", \"metaclip_2\", " +
        "\"siglip\", \"siglip2\", \"altclip\", \"chinese_clip\" are supported. The Python package that the model was published for " +
        "(transformers, open_clip) runs it")]
    [InlineData("\"projection_dim\": 64,\n  \"", "\"quantization_config\": { \"bits\": 4 }, \"projection_dim\": 64,\n  \"",
        "\"quantization_config\" is {\"bits\":4}, which is not supported")]
    [InlineData("\"image_size\": 32", "\"auto_map\": { \"AutoModel\": \"code.Model\" }, \"image_size\": 32",
        "\"vision_config.auto_map\" is")]
    [InlineData("\"image_size\": 32", "\"pruned_heads\": { \"1\": [0] }, \"image_size\": 32", "\"vision_config.pruned_heads\" is")]
    [InlineData("\"eos_token_id\": 999", "\"eos_token_id\": null", "\"text_config.eos_token_id\" is missing, which means 49407; it must " +
        "be below \"vocab_size\" (1000)")]
    [InlineData("\"eos_token_id\": 999", "\"eos_token_id\": 1000", "\"text_config.eos_token_id\" is 1000; it must be below " +
        "\"vocab_size\" (1000). Correct it, or copy it anew")]
    [InlineData("\"eos_token_id\": 999", "\"eos_token_id\": [999]", "\"text_config.eos_token_id\" is [999]; a token's id is needed")]
    [InlineData("\"model_type\": \"clip\"", "\"model_type\": \"siglip\"", "model.safetensors does not fit")]
    [InlineData("\"max_position_embeddings\": 77", "\"max_position_embeddings\": 65536",
        "text_model.embeddings.position_embedding.weight is (77, 128), the configuration asks for (65536, 128): see " +
        "text_config.max_position_embeddings")]
    [InlineData("{", "[", "config.json does not describe a CLIP that can be built")]
    public void A_configuration_that_cannot_be_is_refused_by_key(string value, string replaced, string reason, bool everywhere = false)
    {
        Prepare("vit_p8_i32", "hf.safetensors", true);
        string path = Path.Combine(_folder, "config.json"), config = File.ReadAllText(path);
        int at = config.LastIndexOf(value, StringComparison.Ordinal);
        File.WriteAllText(path, everywhere ? config.Replace(value, replaced, StringComparison.Ordinal) : config[..at] + replaced +
            config[(at + value.Length)..]);
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>
    /// transformers 4.57, configuration_clip.py: a tower is made anew of text_config_dict or vision_config_dict, and its values replace all
    /// of text_config's.
    /// </summary>
    [Fact]
    public void An_older_configuration_counts_its_second_dictionaries_and_nothing_of_the_first()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder);
        string path = Path.Combine(_folder, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (string tower in new[] { "text_config", "vision_config" })
        {
            config[tower + "_dict"] = config[tower]!.DeepClone();
            config[tower]!["hidden_act"] = "relu";
        }
        File.WriteAllText(path, config.ToJsonString());
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Assert.Equal(Activation.Gelu, loaded.Config.Activation);

        config["text_config_dict"] = new JsonObject { ["hidden_act"] = "gelu" };
        File.WriteAllText(path, config.ToJsonString());
        Assert.Contains("num_hidden_layers is 12, the file has 2 blocks",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// transformers 4.57: 2 means the position of the largest id, nothing means 49407 (modeling_clip.py, configuration_clip.py).
    /// </summary>
    [Theory]
    [InlineData("\"eos_token_id\": 2", null)]
    [InlineData("\"bos_token_id\": 0", 49407)]
    [InlineData("\"eos_token_id\": null", 49407)]
    [InlineData("\"eos_token_id\": 49407", 49407)]
    [InlineData("\"eos_token_id\": 7", 7)]
    public void The_end_token_is_the_one_that_transformers_takes(string text, int? end)
    {
        string path = Path.Combine(_folder, "config.json");
        File.WriteAllText(path, $"{{ \"model_type\": \"clip\", \"text_config\": {{ {text} }}, \"vision_config\": {{}} }}");
        Assert.Equal(end, HuggingFaceConfig.Load(path).Text.EndOfTextId);
    }

    /// <summary>Neither regularisation nor what weights are before training changes a loaded model.</summary>
    [Fact]
    public void What_changes_nothing_at_inference_is_no_reason_to_refuse()
    {
        string path = Path.Combine(_folder, "config.json");
        string Extra(string more) => $"\"attention_dropout\": 0.1, \"dropout\": 0.1, \"initializer_factor\": 2.0, \"initializer_range\": " +
            $"0.1, \"torch_dtype\": \"float16\", \"id2label\": {{ \"0\": \"a\" }}{more}";
        File.WriteAllText(path, $"{{ \"model_type\": \"clip\", \"logit_scale_init_value\": 1.0, {Extra("")}, \"text_config\": {{ " +
            $"{Extra(", \"pad_token_id\": 5")} }}, \"vision_config\": {{ {Extra("")} }} }}");
        Assert.Equal((ClipConfig.ViTB32.VisionBlock, ClipConfig.ViTB32.TextBlock),
            (HuggingFaceConfig.Load(path).VisionBlock, HuggingFaceConfig.Load(path).TextBlock));
    }

    [Theory]
    [InlineData("input_resolution", 28, 42)]
    [InlineData("context_length", 77, 76)]
    [InlineData("vocab_size", 1000, 49408)]
    public void The_sizes_that_OpenAIs_archives_note_must_be_their_tensors(string name, int expected, int noted)
    {
        Prepare("vit_p14_i28", "openai_fp16.safetensors", false);
        using (ClipCheckpoint.FromPretrained(_folder)) { }
        string path = Path.Combine(_folder, "model.safetensors");
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(path)) tensors = file.Names.ToDictionary(key => key, file.Read);
        tensors[name] = tensor((long)noted);
        SafetensorsFile.Write(path, tensors);
        Assert.Contains($"notes {name} as {noted}, where its own tensors give {expected}",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
        tensors[name] = zeros(3, dtype: int64);
        SafetensorsFile.Write(path, tensors);
        Assert.Contains($"notes {name} as a tensor of shape (3)",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenClips_reference_gives_its_outputs_through_its_configuration()
    {
        File.Copy(Repository.Reference("models", "open_clip", "model.safetensors"), Path.Combine(_folder, "open_clip_model.safetensors"));
        using (var json = JsonDocument.Parse(File.ReadAllText(Repository.Reference("models", "open_clip", "open_clip.json"))))
            File.WriteAllText(Path.Combine(_folder, "open_clip_config.json"),
                $"{{ \"model_cfg\": {json.RootElement.GetProperty("config")}, \"preprocess_cfg\": {{}} }}");
        using var model = ClipCheckpoint.FromPretrained(_folder);
        using var inputs = SafetensorsFile.Open(Repository.Reference("models", "open_clip", "inputs.safetensors"));
        using var outputs = SafetensorsFile.Open(Repository.Reference("models", "open_clip", "outputs.safetensors"));
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        // As above: float32 against float64 gave 6e-7 of the largest magnitude.
        Close.Relative(outputs.Read("encode_image"), model.EncodeImage(inputs.Read("images")), 1e-5);
        Close.Relative(outputs.Read("encode_text"), model.EncodeText(inputs.Read("token_ids")), 1e-5);
    }

    /// <summary>The options of open_clip 4.2.0.dev0 (model.py: CLIPVisionCfg, CLIPTextCfg, CLIP) that make another model.</summary>
    [Theory]
    [InlineData("vision_cfg", "\"head_width\": 8, \"ls_init_value\": \"small\"", "\"vision_cfg.ls_init_value\" is \"small\", not a " +
        "number. Correct it")]
    [InlineData("vision_cfg", "\"head_width\": 17", "\"vision_cfg.head_width\" is 17, of which \"width\" (16) has 0")]
    [InlineData("vision_cfg", "\"mlp_ratio\": 1e300", "\"vision_cfg.mlp_ratio\" is 1E+300, which gives no usable width")]
    [InlineData("vision_cfg", "\"timm_model_name\": \"resnet50\"", "\"vision_cfg.timm_model_name\" is \"resnet50\"; ")]
    [InlineData("vision_cfg", "\"timm_model_name\": \"naflexvit_base_patch16_siglip\"",
        "SigLIP 2 NaFlex in Hugging Face's layout. The Python")]
    [InlineData("vision_cfg", "\"timm_model_name\": \"eva02_base_patch16_clip_224\", \"timm_pool\": \"avg\"",
        "\"vision_cfg.timm_pool\" is \"avg\"; \"token\" is supported")]
    [InlineData("vision_cfg", "\"timm_model_name\": \"eva02_base_patch16_clip_224\", \"timm_pool\": \"token\", \"timm_model_kwargs\": " +
        "{ \"num_reg_tokens\": 4 }",
        "\"vision_cfg.timm_model_kwargs.num_reg_tokens\" is 4")]
    [InlineData("vision_cfg", "\"timm_model_name\": \"convnext_base\", \"timm_pool\": \"\", \"timm_proj\": null",
        "asks for Affine after convnext_base; Matrix, Mlp, None are")]
    [InlineData("vision_cfg", "\"timm_model_name\": \"convnext_base\", \"timm_proj_bias\": true", "\"vision_cfg.timm_proj_bias\" is true")]
    [InlineData("vision_cfg", "\"pool_type\": \"max\"", "\"vision_cfg.pool_type\" is \"max\"; \"tok\", \"avg\", \"none\" are supported")]
    [InlineData("vision_cfg", "\"global_average_pool\": true", "\"vision_cfg.global_average_pool\" is true")]
    [InlineData("vision_cfg", "\"attentional_pool\": \"parallel\"", "\"vision_cfg.attentional_pool\" is \"parallel\"; true is supported")]
    [InlineData("vision_cfg", "\"pos_embed_type\": \"rope\"",
        "\"vision_cfg.pos_embed_type\" is \"rope\"; \"learnable\", \"sin_cos_2d\" are")]
    [InlineData("vision_cfg", "\"norm_kwargs\": { \"bias\": 2 }", "\"vision_cfg.norm_kwargs.bias\" is 2")]
    [InlineData("vision_cfg", "\"act_kwargs\": { \"approximate\": \"erf\" }",
        "\"vision_cfg.act_kwargs.approximate\" is \"erf\"; \"none\", \"tanh\"")]
    [InlineData("vision_cfg", "\"qk_norm\": true, \"scaled_cosine_attn\": true", "Vision.Block has both CosineAttention and QueryKeyNorm")]
    [InlineData("vision_cfg", "\"block_type\": \"parallel\"",
        "\"vision_cfg.block_type\" is \"parallel\"; \"default\", \"custom\" are supported")]
    [InlineData("vision_cfg", "\"image_size\": [16, 24]", "\"vision_cfg.image_size\" is [16,24]; a whole number")]
    [InlineData("text_cfg", "\"hf_model_name\": \"google/mt5-base\"", "\"text_cfg.hf_model_name\" is \"google/mt5-base\"; roberta-base, ")]
    [InlineData("text_cfg", "\"hf_model_name\": \"roberta-base\", \"hf_pooler_type\": \"max_pooler\"",
        "\"text_cfg.hf_pooler_type\" is \"max_pooler\"; \"mean_pooler\", ")]
    [InlineData("text_cfg", "\"pool_type\": \"max\"",
        "\"text_cfg.pool_type\" is \"max\"; \"argmax\", \"eos\", \"first\", \"last\", \"none\" are")]
    [InlineData("text_cfg", "\"proj_type\": \"mlp\"", "\"text_cfg.proj_type\" is \"mlp\"; \"linear\", \"none\" are supported")]
    [InlineData("text_cfg", "\"pool_type\": \"eos\"", "\"text_cfg.pool_type\" is \"eos\" and \"eos_id\" is missing")]
    [InlineData("text_cfg", "\"text_arch\": \"modern\"", "\"text_cfg.text_arch\" is \"modern\"; \"clip\" is supported")]
    [InlineData("model_cfg", "\"audio_cfg\": { \"layers\": 12 }", "\"audio_cfg\" is {\"layers\":12}")]
    public void What_OpenClips_configuration_asks_for_beyond_a_CLIP_is_refused_by_name(string section, string value, string reason)
    {
        WriteOpenClip(section, value);
        string message = Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message;
        Assert.Contains("open_clip_config.json does not describe a CLIP that can be built: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    /// <summary>
    /// What the configuration may say without making another model: padding is never seen, a pooler's heads need a pooler, patches are
    /// dropped in training alone, and weights tell by their names whether the text tower stands apart.
    /// </summary>
    [Theory]
    [InlineData("vision_cfg", "\"attn_pooler_heads\": 4, \"attn_pooler_queries\": 16, \"timm_pool\": \"avg\", \"attentional_pool\": " +
        "false, \"patch_dropout\": 0.5, \"output_tokens\": true")]
    [InlineData("text_cfg", "\"pad_id\": 1, \"hf_proj_type\": \"mlp\", \"hf_tokenizer_name\": null, \"text_arch\": \"clip\", " +
        "\"pool_type\": \"eos\", \"eos_id\": 7")]
    [InlineData("model_cfg", "\"custom_text\": true, \"init_logit_scale\": 2.6")]
    public void What_makes_no_other_model_is_read(string section, string value)
    {
        WriteOpenClip(section, value);
        Assert.Equal((16, section == "text_cfg" ? 7 : null),
            (OpenClipConfig.Load(Path.Combine(_folder, "open_clip_config.json")).Vision.Width,
            OpenClipConfig.Load(Path.Combine(_folder, "open_clip_config.json")).Text.EndOfTextId));
    }

    [Fact]
    public void OpenClips_configuration_says_how_images_are_prepared_and_keeps_what_it_said()
    {
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        string path = Path.Combine(_folder, "open_clip_config.json");
        ImageTransformConfig first = ImageTransformConfig.Load(path), usual = new();
        Assert.Equal((16, 16, ResizeMode.Shortest, Interpolation.Bicubic),
            (first.Size, first.ResizeSize, first.ResizeMode, first.Interpolation));
        Assert.Equal(usual.Mean.Concat(usual.Std), first.Mean.Concat(first.Std));

        File.WriteAllText(path, File.ReadAllText(path).Replace("shortest", "squash", StringComparison.Ordinal));
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        Assert.Equal(ResizeMode.Squash, ImageTransformConfig.Load(path).ResizeMode);
    }

    [Fact]
    public void OpenClips_model_is_read_where_timms_image_tower_lies_beside_it()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{ "architecture": "vit_base_patch32_clip_224", "num_classes": 512 }""");
        SafetensorsFile.Write(Path.Combine(_folder, "model.safetensors"), [new("blocks.0.attn.qkv.weight", zeros(1))]);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Equal(model, loaded);
    }

    [Theory]
    [InlineData(CheckpointLayout.HuggingFace, CheckpointLayout.OpenClip)]
    [InlineData(CheckpointLayout.OpenClip, CheckpointLayout.HuggingFace)]
    public void What_was_saved_last_is_what_the_folder_holds_whatever_lay_there(CheckpointLayout before, CheckpointLayout after)
    {
        random.manual_seed(3);
        using ClipModel old = new(Small), model = new(Small);
        ClipCheckpoint.SavePretrained(old, _folder, before);
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "another's");
        ClipCheckpoint.SavePretrained(model, _folder, after);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Equal(model, loaded);
        Assert.True(File.Exists(Path.Combine(_folder, "notes.txt")));
    }

    [Fact]
    public void OpenClips_form_takes_the_place_of_shards_and_of_weights_without_their_configuration()
    {
        random.manual_seed(3);
        using ClipModel old = new(Small), model = new(Small);
        Shard(old);
        SafetensorsFile.Write(Path.Combine(_folder, "model.safetensors"), [new("visual.conv1.weight", zeros(1))]);
        File.Delete(Path.Combine(_folder, "config.json"));
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Equal(model, loaded);
    }

    [Fact]
    public void What_cannot_be_saved_removes_nothing()
    {
        using ClipModel old = new(Small), model = new(Small);
        ClipCheckpoint.SavePretrained(old, _folder);
        Directory.CreateDirectory(Path.Combine(_folder, "open_clip_model.safetensors"));
        Assert.ThrowsAny<Exception>(() => ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip));
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Equal(old, loaded);
    }

    [Fact]
    public void A_lone_image_tower_of_timms_stays_beside_OpenCLIPs_model()
    {
        using ClipModel old = new(Small), model = new(Small);
        ClipCheckpoint.SavePretrained(old, _folder, CheckpointLayout.OpenClip);
        File.WriteAllText(Path.Combine(_folder, "config.json"), """{ "architecture": "vit_base_patch32_clip_224", "num_classes": 512 }""");
        SafetensorsFile.Write(Path.Combine(_folder, "model.safetensors"), [new("blocks.0.attn.qkv.weight", zeros(1))]);
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        Assert.Equal(["config.json", "model.safetensors", "open_clip_config.json", "open_clip_model.safetensors"],
            Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Captions_that_are_to_be_cleaned_in_another_way_are_refused_by_name()
    {
        WriteOpenClip("text_cfg", "\"tokenizer_kwargs\": { \"clean\": \"canonicalize\" }");
        var error = Assert.Throws<CheckpointException>(() => ClipProcessor.FromPretrained(_folder));
        Assert.Contains("\"text_cfg.tokenizer_kwargs.clean\" is \"canonicalize\"", error.Message, StringComparison.Ordinal);
    }

    private void WriteOpenClip(string section, string value)
    {
        string In(string name, string usual) => $"{usual}{(name == section ? ", " + value : "")}";
        string vision = "\"width\": 16, \"layers\": 1, \"patch_size\": 8";
        if (!value.Contains("head_width", StringComparison.Ordinal)) vision += ", \"head_width\": 8";
        if (!value.Contains("image_size", StringComparison.Ordinal)) vision += ", \"image_size\": 16";
        File.WriteAllText(Path.Combine(_folder, "open_clip_config.json"), $$"""
            { {{In("model_cfg", "\"embed_dim\": 8")}},
              "vision_cfg": { {{In("vision_cfg", vision)}} },
              "text_cfg": { {{In("text_cfg", "\"width\": 16, \"heads\": 2")}} } }
            """);
        SafetensorsFile.Write(Path.Combine(_folder, "open_clip_model.safetensors"), [new("visual.conv1.weight", zeros(1))]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_model_saved_for_OpenCLIP_comes_back_bit_for_bit(bool resNet)
    {
        random.manual_seed(3);
        var text = Small.Text with { MlpWidth = 37, LayerScale = 0.1 };
        using var model = new ClipModel(resNet ? Small with { Vision = VisionConfig.ResNet(32, 4, (1, 1, 2, 1)) with { Heads = 4 },
            Text = text } : Small with { Vision = Small.Vision with { LayerScale = 1e-5 }, Text = text });
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Assert.Equal((model.Config.Vision.Heads, model.Config.Vision.LayerScale, model.Config.Vision.Stages, model.Config.Text,
            model.Config.Activation), (loaded.Config.Vision.Heads, loaded.Config.Vision.LayerScale, loaded.Config.Vision.Stages,
            loaded.Config.Text, loaded.Config.Activation));
        Equal(model, loaded);
        Assert.Equal(["open_clip_config.json", "open_clip_model.safetensors"],
            Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void What_a_layout_has_no_place_for_is_not_saved_in_it()
    {
        using ClipModel model = new(Small with { Vision = VisionConfig.ResNet(32, 4, (1, 1, 1, 1)) }),
            scaled = new(Small with { Text = Small.Text with { LayerScale = 0.1 } });
        Assert.Contains("LayerScale", Assert.Throws<ArgumentException>(() => ClipCheckpoint.SavePretrained(scaled, _folder)).Message,
            StringComparison.Ordinal);
        Assert.Contains("CheckpointLayout.OpenClip",
            Assert.Throws<ArgumentException>(() => ClipCheckpoint.SavePretrained(model, _folder)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void OpenCLIP_weights_whose_text_tower_stands_apart_load_too()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        Rewrite("open_clip_model.safetensors", name => ParameterNames.Source(name, ParameterNaming.OpenClipCustomText).Sources[0]);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Equal(model, loaded);
    }

    [Fact]
    public void A_model_in_shards_loads_as_in_one_file()
    {
        random.manual_seed(3);
        using var model = new ClipModel(Small);
        Shard(model);
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        Equal(model, loaded);
    }

    [Theory]
    [InlineData("model-2.safetensors", "model-3.safetensors", "lists model-3.safetensors")]
    [InlineData("model-2.safetensors", "../model-2.safetensors", "a file name that ends in .safetensors or .bin is needed")]
    [InlineData("model-2.safetensors", "model-2.pt", "a file name that ends in .safetensors or .bin is needed")]
    [InlineData("\"weight_map\":{", "\"weight_map\":{\"logit_scale\":\"model-1.safetensors\",", "lists \"logit_scale\" twice")]
    [InlineData("\"logit_scale\"", "\"logit_scales\"", "says that \"logit_scales\" is in model-1.safetensors, which does not have it")]
    [InlineData("\"logit_scale\":\"model-1.safetensors\",", "", "model-1.safetensors has the tensor \"logit_scale\"")]
    [InlineData("weight_map", "weights", "has no \"weight_map\"")]
    [InlineData("{", "", "is not an index")]
    public void An_index_at_odds_with_its_shards_is_refused(string value, string replaced, string reason)
    {
        using var model = new ClipModel(Small);
        Shard(model);
        string index = Path.Combine(_folder, "model.safetensors.index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace(value, replaced, StringComparison.Ordinal));
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
            StringComparison.Ordinal);
    }

    private void Shard(ClipModel model)
    {
        ClipCheckpoint.SavePretrained(model, _folder);
        string whole = Path.Combine(_folder, "model.safetensors");
        var map = new Dictionary<string, string>();
        using (var scope = NewDisposeScope())
        using (var file = SafetensorsFile.Open(whole))
        {
            string[] names = [.. file.Names];
            for (int i = 0; i < 2; i++)
            {
                var part = names.Where((_, n) => n % 2 == i).ToDictionary(name => name, file.Read);
                SafetensorsFile.Write(Path.Combine(_folder, $"model-{i + 1}.safetensors"), part);
                foreach (string name in part.Keys) map[name] = $"model-{i + 1}.safetensors";
            }
        }
        File.Delete(whole);
        File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"),
            JsonSerializer.Serialize(new { metadata = new { total_size = 1 }, weight_map = map }));
    }

    private void Rewrite(string name, Func<string, string> rename)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, name);
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(path)) tensors = file.Names.ToDictionary(rename, file.Read);
        SafetensorsFile.Write(path, tensors);
    }

    private static void Equal(ClipModel expected, ClipModel actual)
    {
        var (before, after) = (expected.state_dict(), actual.state_dict());
        Assert.Equal(before.Keys, after.Keys);
        foreach (string key in before.Keys) Assert.True(before[key].equal(after[key]).all().item<bool>(), key);
    }

    private static ClipConfig Small => new()
    {
        Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 16, Layers = 1, Heads = 2 },
        Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 2, Heads = 2, EndOfTextId = 19 },
        EmbeddingWidth = 8,
        Activation = Activation.Gelu,
    };

    private void Prepare(string name, string file, bool config)
    {
        File.Copy(Repository.Reference("models", name, file), Path.Combine(_folder, "model.safetensors"));
        if (config) File.Copy(Repository.Reference("models", name, "config.json"), Path.Combine(_folder, "config.json"));
    }

    [Fact]
    public void A_tensor_that_two_shards_have_is_refused()
    {
        using var scope = NewDisposeScope();
        using var model = new ClipModel(Small);
        Shard(model);
        string second = Path.Combine(_folder, "model-2.safetensors");
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(second)) tensors = file.Names.ToDictionary(name => name, file.Read);
        tensors["logit_scale"] = tensor(1f);
        SafetensorsFile.Write(second, tensors);
        Assert.Contains("model-2.safetensors has the tensor \"logit_scale\"",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_of_more_than_10_MB_is_refused()
    {
        Prepare("vit_p8_i32", "hf.safetensors", true);
        File.AppendAllText(Path.Combine(_folder, "config.json"), new string(' ', 10_000_000));
        Assert.Contains("larger than 10 MB", Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_configuration_tells_transformers_its_class_and_tokens()
    {
        using var model = new ClipModel(Small);
        ClipCheckpoint.SavePretrained(model, _folder);
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!;
        JsonNode text = json["text_config"]!, vision = json["vision_config"]!;
        Assert.Equal(("CLIPModel", "float32"), ((string?)json["architectures"]![0], (string?)json["torch_dtype"]));
        Assert.Equal((18, 19, 1, 8, 8), ((int)text["bos_token_id"]!, (int)text["eos_token_id"]!, (int)text["pad_token_id"]!,
            (int)text["projection_dim"]!, (int)vision["projection_dim"]!));
    }

    [Fact]
    public void What_is_said_of_a_tokenizer_goes_with_its_vocabulary()
    {
        using ClipModel model = new(Small), other = new(Small with { Text = Small.Text with { VocabularySize = 21 } });
        ClipCheckpoint.SavePretrained(model, _folder, CheckpointLayout.OpenClip);
        string path = Path.Combine(_folder, "open_clip_config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json["model_cfg"]!["text_cfg"]!["hf_tokenizer_name"] = "x";
        File.WriteAllText(path, json.ToJsonString());
        ClipCheckpoint.SavePretrained(other, _folder, CheckpointLayout.OpenClip);
        Assert.DoesNotContain("hf_tokenizer_name", File.ReadAllText(path), StringComparison.Ordinal);
    }
}
