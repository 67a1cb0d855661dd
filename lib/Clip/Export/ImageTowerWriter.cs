using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// An image tower in a graph: a <see cref="VisionTransformer"/>'s forward, or that of the convolutional tower that the shape asks for.
/// </summary>
internal static class ImageTowerWriter
{
    /// <summary>Images → (B, E).</summary>
    internal static TowerValues Write(ImageInputs images, ClipConfig config) => config.Vision switch
    {
        { Stages: not null } => new TowerValues(ResNetWriter.Write(images.Pixels, config.Vision), null),
        { Convolutional: ConvNextConfig shape } => new TowerValues(ConvNextWriter.Write(images.Pixels, shape, config), null),
        { Convolutional: FastVitConfig shape } => new TowerValues(FastVitWriter.Write(images.Pixels, shape), null),
        _ => Transformer(images, config),
    };

    private static TowerValues Transformer(ImageInputs images, ClipConfig config)
    {
        var (graph, vision, block) = (images.Pixels.Graph, config.Vision, config.VisionBlock);
        OnnxValue? mask = images.Seen is { } seen ? graph.Hide(graph.Node("Not", graph.AsTruth(seen))) : null;  // (B, 1, 1, N)
        var x = Assemble(StemWriter.Write(images.Pixels, vision), Positions(images, vision), vision);           // (B, N, D)
        if (vision.NormBefore) x = graph.LayerNorm(x, "visual.ln_pre", block.LayerNormEpsilon);
        var rotary = vision.Rotary is { } turning ? RotaryWriter.Make(graph, turning, vision) : null;
        x = BlockWriter.Transformer(x, "visual.", vision.Layers, block, new BlockInputs(mask, rotary));
        var (pooled, hidden) = Pool(x, mask, config);
        return new TowerValues(ProjectionWriter.Write(pooled, "visual.proj", "visual.head"), hidden);
    }

    /// <summary>The position embeddings, (N, D), or (B, N, D) where each image has its own grid; null where the tower has none.</summary>
    private static OnnxValue? Positions(ImageInputs images, VisionConfig vision)
    {
        if (!vision.Positions) return null;
        var table = images.Pixels.Graph.Weight("visual.positional_embedding");
        return images.Shapes is { } shapes ? PositionWriter.Smooth(table, vision.Grid, shapes, images.Pixels.Side(1)) : table;
    }

    /// <summary>
    /// Puts the class token before the patches and adds positions, where the tower has them: (B, patches, D) → (B, N, D).
    /// </summary>
    private static OnnxValue Assemble(OnnxValue x, OnnxValue? positions, VisionConfig vision)
    {
        var graph = x.Graph;
        if (positions is { } patches && !vision.ClassPosition) x += patches;
        if (vision.ClassToken)
        {
            var token = graph.Weight("visual.class_embedding").Reshape(1, 1, -1);
            x = graph.Concat(1, graph.Repeat(token, x.Side(0)), x);
        }
        return positions is { } all && vision.ClassPosition ? x + all : x;
    }

    /// <summary>Tokens after the last block, (B, N, D) → the pooled, (B, D), and transformers' <c>last_hidden_state</c>.</summary>
    private static (OnnxValue Pooled, OnnxValue Hidden) Pool(OnnxValue x, OnnxValue? mask, ClipConfig config)
    {
        var (graph, vision, hidden) = (x.Graph, config.Vision, x);
        bool asks = vision.AttentionPool is { MlpWidth: null };
        if (asks) x = Norm(PoolWriter.Coca(x, vision.AttentionPool!, config.EmbeddingWidth));   // (B, queries, E)
        else if (!vision.NormAfterPooling) x = Norm(x);
        var pooled = vision.Pooling switch
        {
            VisionPooling.Query => PoolWriter.Query(x, config.VisionBlock, vision.AttentionPool!, mask),
            VisionPooling.Mean => x.From(vision.ClassToken || asks ? 1 : 0, 1).Mean(1),
            _ => x.Select(0, 1),
        };
        return (vision.NormAfterPooling && !asks ? Norm(pooled) : pooled, vision.Pooling == VisionPooling.Query ? x : hidden);

        OnnxValue Norm(OnnxValue value) => graph.LayerNorm(value, "visual.ln_post", config.VisionBlock.LayerNormEpsilon);
    }
}
