using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Hugging Face's <c>config.json</c> of a <c>SiglipModel</c>, read and written. What a published file leaves out has the value of transformers' <c>SiglipTextConfig</c> and <c>SiglipVisionConfig</c>:
/// google/siglip-base-patch16-224 leaves out everything.
/// </summary>
internal static class SiglipFileConfig
{
    private const string DefaultActivation = "gelu_pytorch_tanh";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static SiglipConfig Load(string path) => ConfigSection.Load(path, Read);

    internal static string Text(SiglipConfig config, ScalarType type)
    {
        string activation = HuggingFaceConfig.Word(config.Activation);
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray("SiglipModel"),
            ["initializer_factor"] = 1.0,
            ["model_type"] = "siglip",
            ["text_config"] = new JsonObject
            {
                ["hidden_act"] = activation,
                ["hidden_size"] = config.Text.Width,
                ["intermediate_size"] = config.TextBlock.MlpWidth,
                ["layer_norm_eps"] = config.LayerNormEpsilon,
                ["max_position_embeddings"] = config.Text.ContextLength,
                ["model_type"] = "siglip_text_model",
                ["num_attention_heads"] = config.Text.Heads,
                ["num_hidden_layers"] = config.Text.Layers,
                ["pad_token_id"] = config.PaddingId,
                ["projection_size"] = config.EmbeddingWidth,
                ["vocab_size"] = config.Text.VocabularySize,
            },
            ["torch_dtype"] = HuggingFaceConfig.TypeName(type),
            ["vision_config"] = HuggingFaceConfig.VisionSection(config.Vision, config.VisionBlock, "siglip_vision_model"),
        };
        return json.ToJsonString(Indented) + "\n";
    }

    private static SiglipConfig Read(ConfigSection root)
    {
        string type = root.Word("model_type", "siglip");
        if (type == "clip") throw new NotSupportedException("\"model_type\" is \"clip\": ClipCheckpoint.FromPretrained loads it");
        if (type != "siglip") throw ConfigSection.Unsupported($"\"model_type\" is \"{type}\"{(type == "siglip2" ? ", SigLIP 2 for images of any shape (NaFlex)" : "")}; \"siglip\" is supported, which the SigLIP 2 models of one fixed resolution have too");
        HuggingFaceConfig.RefuseOtherModels(root);
        ConfigSection vision = root.Section("vision_config"), text = root.Section("text_config");
        HuggingFaceConfig.RefuseOtherModels(vision);
        HuggingFaceConfig.RefuseOtherModels(text);
        int channels = vision.Count("num_channels", 3);
        if (channels != 3) throw ConfigSection.Unsupported($"\"{vision.Name("num_channels")}\" is {channels}; 3 is supported");
        if (vision.Has("vision_use_head") && !vision.Flag("vision_use_head")) throw ConfigSection.Unsupported($"\"{vision.Name("vision_use_head")}\" is false; an image tower without its pooling head is not supported");
        int textWidth = text.Count("hidden_size", 768);
        var config = new SiglipConfig
        {
            Vision = new VisionConfig
            {
                ImageSize = vision.Count("image_size", 224, 16384),
                PatchSize = vision.Count("patch_size", 16, 16384),
                Width = vision.Count("hidden_size", 768),
                Layers = vision.Count("num_hidden_layers", 12, 1024),
                Heads = vision.Count("num_attention_heads", 12),
                MlpWidth = vision.Count("intermediate_size", 3072, 1 << 20),
            },
            Text = new TextConfig
            {
                ContextLength = text.Count("max_position_embeddings", 64),
                VocabularySize = text.Count("vocab_size", 32000, 1 << 24),
                Width = textWidth,
                Layers = text.Count("num_hidden_layers", 12, 1024),
                Heads = text.Count("num_attention_heads", 12),
                MlpWidth = text.Count("intermediate_size", 3072, 1 << 20),
            },
            PaddingId = text.Id("pad_token_id", 1),
            Activation = HuggingFaceConfig.Same("hidden_act", HuggingFaceConfig.Activation(vision, DefaultActivation), HuggingFaceConfig.Activation(text, DefaultActivation)),
            LayerNormEpsilon = HuggingFaceConfig.Same("layer_norm_eps", vision.Number("layer_norm_eps", 1e-6), text.Number("layer_norm_eps", 1e-6)),
        };
        int projection = text.Count("projection_size", textWidth);
        if (projection != config.EmbeddingWidth)
            throw new FormatException($"\"{text.Name("projection_size")}\" is {projection}, which must be \"{vision.Name("hidden_size")}\" ({config.EmbeddingWidth}): texts and images are compared in one space");
        config.Validate();
        return config;
    }
}
