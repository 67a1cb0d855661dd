using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>A text tower in a graph: <see cref="TextTransformer"/>'s forward.</summary>
/// <param name="ids">(B, L), int64.</param>
/// <param name="attended">(B, L), int64: 1 for tokens, 0 for padding; null where the tower takes no mask.</param>
/// <param name="config">The whole model's shape.</param>
internal sealed class TextTowerWriter(OnnxValue ids, OnnxValue? attended, ClipConfig config)
{
    private readonly OnnxGraph _graph = ids.Graph;
    private readonly TextConfig _text = config.Text;
    private readonly BlockShape _block = config.TextBlock;

    /// <summary>Token ids → (B, E).</summary>
    internal TowerValues Write()
    {
        var x = BlockWriter.Transformer(Embed(), "", _text.Layers, _block, new BlockInputs(Mask()));
        if (_text.NormAfter) x = _graph.LayerNorm(x, "ln_final", _block.LayerNormEpsilon);
        if (_text.TransformationWidth is not null) x = _graph.Linear(x, "transformation");
        return new TowerValues(ProjectionWriter.Write(Pool(x), "text_projection", "text_head"), x);
    }

    /// <summary>The tokens that enter the first block, (B, L, D), or (B, L + 1, D) with an appended class token.</summary>
    private OnnxValue Embed()
    {
        var x = _graph.Embedding(ids, "token_embedding.weight");                            // (B, L, D)
        if (_text.AppendedClassToken)
            x = _graph.Concat(1, x, _graph.Repeat(_graph.Weight("cls_emb").Reshape(1, 1, -1), x.Side(0)));
        x += _text.PositionsSkipPadding ? SkippingPositions() : _graph.Weight("positional_embedding").First(x.Side(1), 0);
        if (_text.TokenTypes > 0)
        {
            const string Types = "token_type_embedding.weight";
            x += _graph.Floats(Types, _graph.Parameter(Types).narrow(0, 0, 1));
        }
        return _text.NormBefore ? _graph.LayerNorm(x, "ln_pre", _block.LayerNormEpsilon) : x;
    }

    /// <summary>Embeddings of positions that number only the tokens that are not padding: (B, L, D).</summary>
    private OnnxValue SkippingPositions()
    {
        var counted = _graph.AsInteger(_graph.Node("Not", IsPadding()));                    // (B, L)
        var places = _graph.Node("CumSum", counted, _graph.Integer(1)) * counted + _graph.Integer(_text.PaddingId);
        return _graph.Node("Gather", [_graph.Weight("positional_embedding"), places], ("axis", 0L));
    }

    private OnnxValue IsPadding() => _graph.Node("Equal", ids, _graph.Integer(_text.PaddingId));

    /// <summary>
    /// The additive mask, far below 0 for later tokens and for padding, broadcast to (B, 1, L, L); null where nothing is hidden.
    /// </summary>
    private OnnxValue? Mask()
    {
        OnnxValue? mask = null;
        if (_text.Causal)
        {
            long C = _text.ContextLength + (_text.AppendedClassToken ? 1 : 0);
            var later = _graph.Floats("causal mask", ones(C, C).triu(1) * (float)_graph.Hidden);
            mask = _text.AppendedClassToken ? later : later.First(ids.Side(1), 0).First(ids.Side(1), 1);   // (L, L)
        }
        OnnxValue? hidden = attended is { } seen ? _graph.Node("Not", _graph.AsTruth(seen)) : null;  // (B, L)
        // OpenCLIP extends its mask at the wrong end, and CoCa's published weights were trained that way.
        if (_text.AppendedClassToken)
        {
            var padding = _graph.AsFloat(IsPadding());
            hidden = _graph.Concat(1, padding.First(_graph.Integers(1), 1) * 0, padding);   // (B, L + 1)
        }
        if (hidden is not { } keys) return mask;
        var added = _graph.Hide(keys);                                                      // (B, 1, 1, L)
        return mask is { } causal ? causal + added : added;
    }

    /// <summary>(B, L, D) → the pooled token, (B, D).</summary>
    private OnnxValue Pool(OnnxValue x)
    {
        if (_text.Pooling == TextPooling.Mean)
        {
            var counted = _graph.AsFloat(attended ?? _graph.Node("Not", IsPadding())).Reshape(0, -1, 1);   // (B, L, 1)
            return (x * counted).Mean(1) / counted.Mean(1);
        }
        var pooled = _text.Pooling switch
        {
            TextPooling.First => x.Select(0, 1),
            TextPooling.Last => x.Select(-1, 1),
            _ => _graph.Node("GatherND", [x, End().Reshape(-1, 1)], ("batch_dims", 1L)),    // (B, D)
        };
        return _text.Pooler ? _graph.Node("Tanh", _graph.Linear(pooled, "pooler")) : pooled;
    }

    /// <summary>The position of the first end token, or of the largest id where the configuration names no end token: (B).</summary>
    private OnnxValue End()
    {
        var candidates = _text.EndOfTextId is { } end ? _graph.Node("Equal", ids, _graph.Integer(end)) : ids;
        return _graph.Node("ArgMax", [_graph.AsSmallInteger(candidates)], ("axis", 1L), ("keepdims", 0L));
    }
}
