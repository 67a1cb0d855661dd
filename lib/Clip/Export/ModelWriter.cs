using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// A model's three graphs, with the inputs, outputs and names that optimum gives them: each tower alone, and the whole model with its
/// logits.
/// </summary>
internal sealed class ModelWriter
{
    private const string Images = "image_batch_size", Texts = "text_batch_size", Batch = "batch_size", Length = "sequence_length",
        Patches = "num_patches";

    private readonly ClipConfig _config;
    private readonly Dictionary<string, Tensor> _weights;
    private readonly bool _isSiglip;

    /// <param name="model">The model; its parameters are read while graphs are written.</param>
    /// <exception cref="NotSupportedException">The model has a part that is not exported; the message names its key.</exception>
    internal ModelWriter(ClipModel model)
    {
        _config = model.Config;
        Refuse(_config);
        _isSiglip = HuggingFaceFamily.All.FirstOrDefault(family => family.Holds(_config))?.Names == HuggingFaceNames.Siglip;
        _weights = model.state_dict();
        if (model.ImageTower is not FastVit tower) return;
        using var form = MetaMemory.Copy(tower, new FastVit(_config, META), ScalarType.Float32);
        form.Fold();
        foreach (var (name, weight) in form.state_dict().Where(pair => pair.Key.Contains(".folded.", StringComparison.Ordinal)))
            _weights[$"visual.{name}"] = weight.detach().clone();
    }

    /// <summary>
    /// The image tower: <c>pixel_values</c> → <c>image_embeds</c>, (B, E), not normalised; SigLIP's is called <c>pooler_output</c>. Where
    /// images may have any shape, it takes <c>pixel_attention_mask</c> and <c>spatial_shapes</c> too.
    /// </summary>
    internal OnnxGraph Vision(ExportPrecision precision)
    {
        var graph = new OnnxGraph("vision_model", _weights, precision);
        var tower = ImageTowerWriter.Write(Pixels(graph, Batch), _config);
        graph.Output(_isSiglip ? "pooler_output" : "image_embeds", tower.Embeds, Batch, _config.EmbeddingWidth);
        if (tower.Hidden is { } hidden)
            graph.Output("last_hidden_state", hidden, Batch, IsFlexible ? Patches : _config.Vision.Tokens, _config.Vision.Width);
        return graph;
    }

    /// <summary>
    /// The text tower: <c>input_ids</c> → <c>text_embeds</c>, (B, E), not normalised; SigLIP's is called <c>pooler_output</c>. Where
    /// padding is masked, it takes <c>attention_mask</c> too.
    /// </summary>
    internal OnnxGraph Text(ExportPrecision precision)
    {
        var graph = new OnnxGraph("text_model", _weights, precision);
        var (ids, length) = Ids(graph, Batch);
        OnnxValue? attended = _config.Text.MaskPadding ? graph.IntegerInput("attention_mask", Batch, length) : null;
        var tower = new TextTowerWriter(ids, attended, _config).Write();
        graph.Output(_isSiglip ? "pooler_output" : "text_embeds", tower.Embeds, Batch, _config.EmbeddingWidth);
        object tokens = _config.Text.AppendedClassToken ? _config.Text.ContextLength + 1 : length;
        graph.Output("last_hidden_state", tower.Hidden!.Value, Batch, tokens, _config.Text.PooledWidth);
        return graph;
    }

    /// <summary>
    /// Both towers: the image tower's inputs, <c>input_ids</c>, and <c>attention_mask</c> unless rows must be full and padding is not
    /// masked → <c>logits_per_image</c>, <c>logits_per_text</c>, and the embeddings, normalised.
    /// </summary>
    internal OnnxGraph Whole(ExportPrecision precision)
    {
        var graph = new OnnxGraph("model", _weights, precision);
        var (text, E) = (_config.Text, _config.EmbeddingWidth);
        var (ids, length) = Ids(graph, Texts);
        var pixels = Pixels(graph, Images);
        OnnxValue? attended = text.MaskPadding || !text.NeedsFullRows ? graph.IntegerInput("attention_mask", Texts, length) : null;
        var imageEmbeds = graph.AsFloat32(ImageTowerWriter.Write(pixels, _config).Embeds).Unit();               // (B, E)
        var textEmbeds = graph.AsFloat32(new TextTowerWriter(ids, attended, _config).Write().Embeds).Unit();    // (T, E)
        var scale = graph.Node("Exp", graph.AsFloat32(graph.Weight("logit_scale")));
        var logits = textEmbeds.Times(imageEmbeds.Transpose(1, 0)) * scale;                                     // (T, B)
        if (graph.Has("logit_bias")) logits += graph.AsFloat32(graph.Weight("logit_bias"));
        graph.Output("logits_per_image", logits.Transpose(1, 0), Images, Texts);
        graph.Output("logits_per_text", logits, Texts, Images);
        graph.Output("text_embeds", textEmbeds, Texts, E);
        graph.Output("image_embeds", imageEmbeds, Images, E);
        return graph;
    }

    /// <summary>Whether images may have any shape: they are then given as patches.</summary>
    private bool IsFlexible => _config.Vision.Stem == PatchStem.FlatPatches;

    private ImageInputs Pixels(OnnxGraph graph, string batch)
    {
        const string Name = "pixel_values";
        var (R, P) = (_config.Vision.ImageSize, _config.Vision.PatchSize);
        if (!IsFlexible) return new ImageInputs(graph.FloatInput(Name, batch, 3, R, R));
        return new ImageInputs(graph.FloatInput(Name, batch, Patches, 3 * P * P),
            graph.IntegerInput("pixel_attention_mask", batch, Patches), graph.IntegerInput("spatial_shapes", batch, 2));
    }

    /// <summary>Rows of ids: of any length, or of the context length where every row must be full.</summary>
    private (OnnxValue Ids, object Length) Ids(OnnxGraph graph, string batch)
    {
        object length = _config.Text.NeedsFullRows ? _config.Text.ContextLength : Length;
        return (graph.IntegerInput("input_ids", batch, length), length);
    }

    private static void Refuse(ClipConfig config)
    {
        if (config.Vision.Pooling == VisionPooling.None || config.Text.Pooling == TextPooling.None)
        {
            throw new NotSupportedException("\"pool_type\" is \"none\": a tower of this model gives a vector for every token and no " +
                "embedding, so that there is nothing to export. A model whose towers pool is exported, with " +
                "\"pool_type\" \"tok\" as CLIP's.");
        }
    }
}
