using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

public static partial class ClipCheckpoint
{
    /// <summary>
    /// Loads the image tower alone, from a folder with a whole CLIP or with a tower of its own: Hugging Face's <c>CLIPVisionModelWithProjection</c>, and <c>CLIPVisionModel</c> where the file has no
    /// projection. <see cref="VisionTransformer.Pooled"/> is its <c>pooler_output</c>, (B, 768) for ViT-B/32; <see cref="VisionTransformer.LastHiddenState"/> its <c>last_hidden_state</c>; a
    /// <see cref="Trace"/> gets all hidden states and attention maps.
    /// </summary>
    /// <param name="idOrFolder">A folder with a model, a file of weights, or a Hub id.</param>
    /// <param name="device">Where the tower goes; the CPU by default.</param>
    /// <param name="dtype">The element type of its parameters; float32 by default, whatever the file has.</param>
    /// <returns>The tower, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">The folder is not there or holds no model; the message says which files were looked for.</exception>
    /// <exception cref="HubException">A Hub id's model is not in the cache and cannot be had.</exception>
    /// <exception cref="CheckpointException">The files are damaged or at odds with each other, or the tower is a ResNet.</exception>
    public static VisionTransformer VisionFromPretrained(string idOrFolder, Device? device = null, ScalarType? dtype = null)
    {
        var found = CheckpointFolder.Find(HuggingFaceHub.Resolve(idOrFolder));
        using var weights = found.Open();
        var naming = Naming(weights);
        var (config, block, embeddingWidth) = naming == ParameterNaming.HuggingFace && found is { Config: { } path, IsOpenClip: false } ? HuggingFaceConfig.LoadVision(path) : Whole(found.Read() ?? found.Infer(weights, naming));
        if (config.Stages is not null) throw new CheckpointException($"The image tower of {weights.Path} is a ResNet, which does not stand alone here: load the whole model with FromPretrained.");
        int? projection = Projection(weights, "visual.proj", naming, embeddingWidth);
        CompareBlocks(found, weights, "vision", config.Layers, VisionBlocks(naming));
        using (NewDisposeScope())
        using (var skeleton = new VisionTransformer(config, block with { Device = META }, projection))
            CompareShapes(found, skeleton, "visual.", weights, naming, IsTextOrScale);
        return Fill(new VisionTransformer(config, block, projection), "visual.", weights, naming, device, dtype);

        static (VisionConfig, BlockShape, int) Whole(ClipConfig whole) => (whole.Vision, whole.VisionBlock, whole.EmbeddingWidth);
    }

    /// <summary>
    /// Loads the text tower alone, from a folder with a whole CLIP or with a tower of its own: Hugging Face's <c>CLIPTextModelWithProjection</c>, and <c>CLIPTextModel</c> where the file has no
    /// projection. <see cref="TextTransformer.Pooled"/> is its <c>pooler_output</c>, (B, 512) for ViT-B/32; <see cref="TextTransformer.LastHiddenState"/> its <c>last_hidden_state</c>; a
    /// <see cref="Trace"/> gets all hidden states and attention maps.
    /// </summary>
    /// <param name="idOrFolder">A folder with a model, a file of weights, or a Hub id.</param>
    /// <param name="device">Where the tower goes; the CPU by default.</param>
    /// <param name="dtype">The element type of its parameters; float32 by default, whatever the file has.</param>
    /// <returns>The tower, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">The folder is not there or holds no model; the message says which files were looked for.</exception>
    /// <exception cref="HubException">A Hub id's model is not in the cache and cannot be had.</exception>
    /// <exception cref="CheckpointException">The files are damaged or at odds with each other.</exception>
    public static TextTransformer TextFromPretrained(string idOrFolder, Device? device = null, ScalarType? dtype = null)
    {
        var found = CheckpointFolder.Find(HuggingFaceHub.Resolve(idOrFolder));
        using var weights = found.Open();
        var naming = Naming(weights);
        var (config, block, embeddingWidth) = naming == ParameterNaming.HuggingFace && found is { Config: { } path, IsOpenClip: false } ? HuggingFaceConfig.LoadText(path) : Whole(found.Read() ?? found.Infer(weights, naming));
        int? projection = Projection(weights, "text_projection", naming, embeddingWidth);
        CompareBlocks(found, weights, "text", config.Layers, TextBlocks(naming));
        using (NewDisposeScope())
        using (var skeleton = new TextTransformer(config, block with { Device = META }, projection))
            CompareShapes(found, skeleton, "", weights, naming, IsVisualOrScale);
        return Fill(new TextTransformer(config, block, projection), "", weights, naming, device, dtype);

        static (TextConfig, BlockShape, int) Whole(ClipConfig whole) => (whole.Text, whole.TextBlock, whole.EmbeddingWidth);
    }

    private static int? Projection(IWeightFile weights, string name, ParameterNaming naming, int embeddingWidth) =>
        weights.Contains(ParameterNames.Source(name, naming).Sources[0]) ? embeddingWidth : null;

    private static bool IsVisualOrScale(string key) => key is "logit_scale" or "visual_projection.weight" || StartsWith(key, "vision_model.", "visual.");

    private static bool IsTextOrScale(string key) =>
        key is "logit_scale" or "text_projection.weight" or "text_projection" or "positional_embedding" || StartsWith(key, "text_model.", "text.", "transformer.", "token_embedding.", "ln_final.");

    private static bool StartsWith(string key, params string[] prefixes) => prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
