using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Onnx;

/// <summary>What a model's configuration says in addition to its graphs.</summary>
/// <param name="ContextLength">The longest row of tokens.</param>
/// <param name="ImageSize">R, the side of its images in pixels; null if the configuration does not say.</param>
/// <param name="IsSigmoid">Whether the model was trained with a sigmoid for each pair, which then has a probability of its own.</param>
internal sealed record OnnxRecipe(int ContextLength, int? ImageSize, bool IsSigmoid)
{
    /// <summary>Reads config.json, or open_clip_config.json in OpenCLIP's layout.</summary>
    /// <exception cref="FileNotFoundException">The folder has neither.</exception>
    /// <exception cref="CheckpointException">It is damaged; the message names the key.</exception>
    internal static OnnxRecipe Load(string folder)
    {
        string config = Path.Combine(folder, CheckpointFolder.HuggingFaceConfigName);
        if (File.Exists(config)) return ConfigSection.Load(config, HuggingFace);
        string openClip = Path.Combine(folder, CheckpointFolder.OpenClipConfigName);
        if (File.Exists(openClip))
            return ConfigSection.Load(openClip, root => OpenClip(root.Has("model_cfg") ? root.Section("model_cfg") : root));
        throw new FileNotFoundException($"{folder} holds no {CheckpointFolder.HuggingFaceConfigName}, which says what kind of model the " +
            "graphs are. Copy the one that came with them.", config);
    }

    private static OnnxRecipe HuggingFace(ConfigSection root)
    {
        string type = root.Word("model_type", "clip");
        bool isSigmoid = type.StartsWith("siglip", StringComparison.Ordinal);
        var text = root.Has("text_config") ? root.Section("text_config") : ConfigSection.Empty("text_config.");
        var vision = root.Has("vision_config") ? root.Section("vision_config") : ConfigSection.Empty("vision_config.");
        int rows = text.Count("max_position_embeddings", isSigmoid ? 64 : 77, 1 << 20);
        // RoBERTa's positions begin after the padding's id.
        if (type == "altclip") rows -= text.Id("pad_token_id", 1) + 1;
        return new OnnxRecipe(rows, vision.Has("image_size") ? vision.Count("image_size", 224, 16384) : null, isSigmoid);
    }

    private static OnnxRecipe OpenClip(ConfigSection model)
    {
        var text = model.Has("text_cfg") ? model.Section("text_cfg") : ConfigSection.Empty("text_cfg.");
        var vision = model.Has("vision_cfg") ? model.Section("vision_cfg") : ConfigSection.Empty("vision_cfg.");
        return new OnnxRecipe(text.Count("context_length", 77, 1 << 20), vision.Side("image_size", null), model.Has("init_logit_bias"));
    }
}
