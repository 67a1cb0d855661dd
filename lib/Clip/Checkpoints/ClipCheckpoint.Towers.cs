using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Checkpoints;

public static partial class ClipCheckpoint
{
    /// <summary>
    /// Loads the image tower alone, from a folder with a whole CLIP or with a tower of its own: Hugging Face's
    /// <c>CLIPVisionModelWithProjection</c>, and <c>CLIPVisionModel</c> where the file has no projection; <c>SiglipVisionModel</c>,
    /// likewise. <see cref="VisionTransformer.Pooled"/> is its <c>pooler_output</c>, (B, 768) for ViT-B/32;
    /// <see cref="VisionTransformer.LastHiddenState"/> its <c>last_hidden_state</c>; a <see cref="Trace"/> gets all hidden states and
    /// attention maps.
    /// </summary>
    /// <param name="idOrFolder">A folder with a model, a file of weights, or a Hub id.</param>
    /// <param name="device">Where the tower goes; the CPU by default.</param>
    /// <param name="dtype">The element type of its parameters; float32 by default, whatever the file has.</param>
    /// <returns>The tower, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">
    /// The folder is not there or holds no model; the message says which files were looked for.
    /// </exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="CheckpointException">The files are damaged or contradict each other, or the tower is convolutional.</exception>
    public static VisionTransformer VisionFromPretrained(string idOrFolder, Device? device = null, ScalarType? dtype = null)
    {
        var found = CheckpointFolder.Find(HuggingFaceHub.Resolve(idOrFolder));
        // Read before the tensors' names, so that an unsupported model is refused by its model_type.
        var own = found is { Config: { } path, IsOpenClip: false } ? HuggingFaceConfig.LoadVision(path) : default;
        using var weights = BareNames.Prefixed(found.Open(), "vision_model.");
        var naming = Naming(weights);
        var (config, block, width, names) = naming == ParameterNaming.HuggingFace && own.Config is not null
            ? own : Whole(found, found.Read() ?? found.Infer(weights, naming), weights, naming);
        if (!config.IsTransformer) throw new CheckpointException($"The image tower of {weights.Path} is convolutional, which does not " +
            $"stand alone here: load the whole model with FromPretrained.");
        int? projection = Projection(weights, config.Projection, "visual.", "proj", names, width);
        CompareBlocks(found, weights, "vision", config.Layers, Blocks(names("visual.transformer.resblocks.0.ln_1.weight")));
        using (NewDisposeScope())
        using (var skeleton = new VisionTransformer(config, block with { Device = META }, projection))
            CompareShapes(found, skeleton, "visual.", weights, names, IsTextOrScale);
        return Fill(new VisionTransformer(config, block, projection), "visual.", weights, names, device, dtype);

        static (VisionConfig, BlockShape, int, Func<string, ParameterSource>) Whole(CheckpointFolder found, ClipConfig whole,
            IWeightFile weights, ParameterNaming naming) =>
            (whole.Vision, whole.VisionBlock, whole.EmbeddingWidth, Names(found, whole, weights, naming));
    }

    /// <summary>
    /// Loads the text tower alone, from a folder with a whole CLIP or with a tower of its own: Hugging Face's
    /// <c>CLIPTextModelWithProjection</c>, and <c>CLIPTextModel</c> where the file has no projection; <c>SiglipTextModel</c>, likewise.
    /// <see cref="TextTransformer.Pooled"/> is its <c>pooler_output</c>, (B, 512) for ViT-B/32;
    /// <see cref="TextTransformer.LastHiddenState"/> its <c>last_hidden_state</c>; a <see cref="Trace"/> gets all hidden states and
    /// attention maps.
    /// </summary>
    /// <param name="idOrFolder">A folder with a model, a file of weights, or a Hub id.</param>
    /// <param name="device">Where the tower goes; the CPU by default.</param>
    /// <param name="dtype">The element type of its parameters; float32 by default, whatever the file has.</param>
    /// <returns>The tower, in evaluation mode; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">
    /// The folder is not there or holds no model; the message says which files were looked for.
    /// </exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="CheckpointException">The files are damaged or contradict each other.</exception>
    public static TextTransformer TextFromPretrained(string idOrFolder, Device? device = null, ScalarType? dtype = null)
    {
        var found = CheckpointFolder.Find(HuggingFaceHub.Resolve(idOrFolder));
        // Read before the tensors' names, so that an unsupported model is refused by its model_type.
        var own = found is { Config: { } path, IsOpenClip: false } ? HuggingFaceConfig.LoadText(path) : default;
        using var weights = BareNames.Prefixed(found.Open(), "text_model.");
        var naming = Naming(weights);
        var (config, block, width, names) = naming == ParameterNaming.HuggingFace && own.Config is not null
            ? own : Whole(found, found.Read() ?? found.Infer(weights, naming), weights, naming);
        int? projection = Projection(weights, config.Projection, "", "text_projection", names, width);
        CompareBlocks(found, weights, "text", config.Layers, Blocks(names("transformer.resblocks.0.ln_1.weight")));
        using (NewDisposeScope())
        using (var skeleton = new TextTransformer(config, block with { Device = META }, projection))
            CompareShapes(found, skeleton, "", weights, names, IsVisualOrScale);
        return Fill(new TextTransformer(config, block, projection), "", weights, names, device, dtype);

        static (TextConfig, BlockShape, int, Func<string, ParameterSource>) Whole(CheckpointFolder found, ClipConfig whole,
            IWeightFile weights, ParameterNaming naming) =>
            (whole.Text, whole.TextBlock, whole.EmbeddingWidth, Names(found, whole, weights, naming));
    }

    /// <summary>The width of the shared space; null if the file has no projection into it.</summary>
    private static int? Projection(IWeightFile weights, ProjectionKind kind, string tower, string matrix, Func<string,
        ParameterSource> names, int width) => kind switch
    {
        ProjectionKind.None => null,
        ProjectionKind.Matrix => weights.Contains(names(tower + matrix).Sources[0]) ? width : null,
        ProjectionKind.Affine => weights.Contains(names(tower + Head(tower) + ".weight").Sources[0]) ? width : null,
        _ => weights.Contains(names(tower + Head(tower) + ".c_proj.weight").Sources[0]) ? width : null,
    };

    private static string Head(string tower) => tower.Length == 0 ? "text_head" : "head";

    private static bool IsVisualOrScale(string key) => key is "logit_scale" or "logit_bias" or "visual_projection.weight"
        || StartsWith(key, "vision_model.", "visual.");

    private static bool IsTextOrScale(string key) =>
        key is "logit_scale" or "logit_bias" or "text_projection.weight" or "text_projection.bias" or "cls_emb" or "text_projection"
            or "positional_embedding"
        || StartsWith(key, "text_model.", "text.", "transformer.", "token_embedding.", "ln_final.", "text_decoder.");

    private static bool StartsWith(string key, params string[] prefixes) =>
        prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
