using ClipNotebooks.Clip.Export;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Export;

/// <summary>
/// A model's graphs beside the model itself, for batches of one and of all, and rows of other lengths. Measured over all families, of
/// embeddings and tokens: float32 within 2.4e-6 of the largest magnitude (4.1e-6 for the ResNet), the least cosine 1 − 1.4e-5 in float16
/// and 0.998 in int8.
/// </summary>
internal sealed class GraphComparison(ClipModel model, string folder)
{
    /// <summary>Sums in another order; the references themselves lie within 5e-6.</summary>
    private const double Single = 1e-5;

    /// <summary>The least cosines: ten bits of a number, and seven.</summary>
    private const double Half = 0.9995, Byte = 0.99;

    private readonly ModelWriter _writer = new(model);

    internal static void Compare(ClipModel model, Tensor images, Tensor ids, string folder)
    {
        var comparison = new GraphComparison(model, folder);
        var text = model.Config.Text;
        var attended = text.MaskPadding ? ids.ne(text.PaddingId).to(int64) : ones_like(ids);
        foreach (var precision in Enum.GetValues<ExportPrecision>())
        {
            comparison.CompareVision(precision, images);
            comparison.CompareText(precision, ids, attended);
        }
        comparison.CompareWhole(images, ids, attended);
    }

    private void CompareVision(ExportPrecision precision, Tensor images)
    {
        using var graph = Open(_writer.Vision, precision);
        foreach (var pixels in new[] { images, images.narrow(0, 0, 1) })
        {
            var values = graph.Run(Inputs(pixels));
            Near(precision, model.EncodeImage(pixels), Embeds(values, "image_embeds"));
            if (model.ImageTower is VisionTransformer tower)
                Near(precision, tower.LastHiddenState(pixels), values["last_hidden_state"]);
        }
    }

    private void CompareText(ExportPrecision precision, Tensor ids, Tensor attended)
    {
        using var graph = Open(_writer.Text, precision);
        List<(Tensor Ids, Tensor Mask)> batches = [(ids, attended), (ids.narrow(0, 0, 1), attended.narrow(0, 0, 1))];
        long shorter = ids.shape[1] / 2 + 1;
        if (!model.Config.Text.NeedsFullRows) batches.Add((ids.narrow(1, 0, shorter), attended.narrow(1, 0, shorter)));
        foreach (var (rows, mask) in batches)
        {
            var values = graph.Run(("input_ids", rows), ("attention_mask", mask));
            Near(precision, model.EncodeText(rows), Embeds(values, "text_embeds"));
            Near(precision, model.Text.LastHiddenState(rows), values["last_hidden_state"]);
        }
    }

    private void CompareWhole(Tensor images, Tensor ids, Tensor attended)
    {
        using var graph = Open(_writer.Whole, ExportPrecision.Float32);
        var values = graph.Run([.. Inputs(images), ("input_ids", ids), ("attention_mask", attended)]);
        Close.Relative(model.call(images, ids).LogitsPerImage, values["logits_per_image"], Single);
        Close.Relative(nn.functional.normalize(model.EncodeText(ids), dim: -1), values["text_embeds"], Single);
        Close.Relative(nn.functional.normalize(model.EncodeImage(images), dim: -1), values["image_embeds"], Single);
        Assert.True(values["logits_per_image"].t().equal(values["logits_per_text"]).all().item<bool>());
    }

    /// <summary>Pixels as they are; patches that say where they stand as transformers has them.</summary>
    private (string, Tensor)[] Inputs(Tensor images)
    {
        if (model.Config.Vision.Stem != PatchStem.FlatPatches) return [("pixel_values", images)];
        long numbers = images.shape[2] - 2;
        var places = images.narrow(2, numbers, 2);                                          // (B, N, 2)
        return [("pixel_values", images.narrow(2, 0, numbers)), ("pixel_attention_mask", places.select(2, 0).ge(0).to(int64)),
            ("spatial_shapes", (places.amax([1]) + 1).to(int64))];
    }

    private RunGraph Open(Func<ExportPrecision, OnnxGraph> make, ExportPrecision precision)
    {
        var graph = make(precision);
        string path = Path.Combine(folder, $"{graph.Proto.Name}_{precision}.onnx");
        OnnxFile.Write(graph, path, OnnxFile.MessageLimit, null, CancellationToken.None);
        return new RunGraph(path);
    }

    private static Tensor Embeds(Dictionary<string, Tensor> values, string name) =>
        values.TryGetValue(name, out var embeds) ? embeds : values["pooler_output"];

    private static void Near(ExportPrecision precision, Tensor expected, Tensor actual)
    {
        if (precision == ExportPrecision.Float32)
        {
            Close.Relative(expected, actual, Single);
            return;
        }
        Assert.Equal(expected.shape, actual.shape);
        double least = nn.functional.cosine_similarity(expected, actual, -1).min().ToDouble();
        double wanted = precision == ExportPrecision.Float16 ? Half : Byte;
        Assert.True(least >= wanted, $"The least cosine in {precision} is {least:F6}; {wanted} is wanted.");
    }
}
