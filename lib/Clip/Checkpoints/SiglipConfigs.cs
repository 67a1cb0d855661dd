using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>
/// Hugging Face's <c>config.json</c> of <c>SiglipModel</c> (SigLIP, and SigLIP 2 at a fixed resolution) and of <c>Siglip2Model</c> (images
/// of any shape). Keys that a published file leaves out have the defaults of transformers' classes: google/siglip-base-patch16-224 leaves
/// out all of them.
/// </summary>
internal static class SiglipConfigs
{
    private const string DefaultActivation = "gelu_pytorch_tanh";

    internal static ClipConfig Read(ConfigSection root, bool flexible)
    {
        HuggingFaceConfig.RefuseOtherModels(root);
        ConfigSection vision = root.Section("vision_config"), text = root.Section("text_config");
        var towers = ClipConfig.Join(ReadVision(vision, flexible), ReadText(text, out int projection), 0, Common(vision), Common(text));
        var config = towers with { EmbeddingWidth = towers.Vision.Width, InitialTemperature = 0.1, InitialBias = -10, HasListedScale =
            true };
        if (projection != config.EmbeddingWidth)
            throw new FormatException($"\"{text.Name("projection_size")}\" is {projection}, which must be " +
                $"\"{vision.Name("hidden_size")}\" ({config.EmbeddingWidth}): texts and images are compared in one space");
        config.Validate();
        return config;
    }

    /// <summary>Reads the image tower from a model's configuration, or from a tower's own.</summary>
    internal static VisionConfig ReadVision(ConfigSection vision, bool flexible)
    {
        HuggingFaceConfig.RefuseOtherModels(vision);
        HuggingFaceConfig.RequireColours(vision);
        if (vision.Has("vision_use_head") && !vision.Flag("vision_use_head"))
            throw ConfigSection.Unsupported($"\"{vision.Name("vision_use_head")}\" is false; an image tower without its pooling head " +
                $"is not supported");
        int patch = vision.Count("patch_size", 16, 16384), size = flexible ? 0 : vision.Count("image_size", 224, 16384);
        if (flexible)
        {
            int patches = vision.Count("num_patches", 256), side = (int)Math.Round(Math.Sqrt(patches));
            if (side * side != patches) throw new FormatException($"\"{vision.Name("num_patches")}\" is {patches}; a square number is " +
                $"needed");
            size = side * patch;
        }
        var config = ClipConfig.SiglipVision(size, patch, vision.Count("hidden_size", 768), vision.Count("num_hidden_layers", 12, 1024),
            vision.Count("num_attention_heads", 12), vision.Count("intermediate_size", 3072, 1 << 20));
        return flexible ? config with { Stem = PatchStem.FlatPatches } : config;
    }

    /// <summary>Reads the text tower likewise.</summary>
    internal static TextConfig ReadText(ConfigSection text, out int projection)
    {
        HuggingFaceConfig.RefuseOtherModels(text);
        int width = text.Count("hidden_size", 768);
        projection = text.Count("projection_size", width);
        return ClipConfig.SiglipText(
            text.Count("max_position_embeddings", 64), text.Count("vocab_size", 32000, 1 << 24), width,
                text.Count("num_hidden_layers", 12, 1024), text.Count("num_attention_heads", 12),
                text.Count("intermediate_size", 3072, 1 << 20))
            with { PaddingId = text.Id("pad_token_id", 1) };
    }

    internal static (Activation, double) Common(ConfigSection tower) => (HuggingFaceConfig.Activation(tower, DefaultActivation),
        tower.Number("layer_norm_eps", 1e-6));

    internal static bool Holds(ClipConfig config, bool flexible)
    {
        var (v, t) = (config.Vision, config.Text);
        var vision = ClipConfig.SiglipVision(v.ImageSize, v.PatchSize, v.Width, v.Layers, v.Heads, v.MlpWidth ?? 0) with { Activation =
            v.Activation, LayerNormEpsilon = v.LayerNormEpsilon };
        var text = ClipConfig.SiglipText(t.ContextLength, t.VocabularySize, t.Width, t.Layers, t.Heads, t.MlpWidth
            ?? 0) with { Activation = t.Activation, LayerNormEpsilon = t.LayerNormEpsilon, PaddingId = t.PaddingId };
        return config.IsSigmoid && t == text && v == (flexible ? vision with { Stem = PatchStem.FlatPatches } : vision);
    }

    internal static JsonObject Write(ClipConfig config)
    {
        bool flexible = config.Vision.Stem == PatchStem.FlatPatches;
        string type = flexible ? "siglip2" : "siglip";
        var vision = HuggingFaceConfig.VisionSection(config.Vision, config.VisionBlock, $"{type}_vision_model");
        if (flexible)
        {
            vision.Remove("image_size");
            vision["num_patches"] = config.Vision.Grid * config.Vision.Grid;
        }
        var text = HuggingFaceConfig.TextSection(config.Text, config.TextBlock, $"{type}_text_model");
        text["pad_token_id"] = config.Text.PaddingId;
        text["projection_size"] = config.EmbeddingWidth;
        return new JsonObject { ["initializer_factor"] = HuggingFaceConfig.Float(1), ["text_config"] = text, ["vision_config"] = vision };
    }
}
