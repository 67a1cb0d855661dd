using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Where a patch looks: the reader points at a patch of a picture, and each head of a block shows its attention. It computes with the
/// embedded model; its still form is what the class token of the first picture looks at in the last block.
/// </summary>
public sealed class AttentionByHand : Interactive
{
    private readonly (string Name, string Source)[] _pictures;
    private readonly string _still, _text;
    private readonly int _grid, _heads;
    private readonly double[][][] _maps;

    /// <summary>Computes the attention on the first picture.</summary>
    /// <param name="samples">At least one.</param>
    /// <exception cref="ArgumentException">There is no sample.</exception>
    public AttentionByHand(IReadOnlyList<Sample> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (samples.Count == 0) throw new ArgumentException("There is no picture to look at.", nameof(samples));
        using var clip = InteractiveModel.Open();
        using var scope = NewDisposeScope();
        var vision = clip.Model.Config.Vision;
        (_grid, _heads) = (vision.Grid, vision.Heads);
        using var trace = new Trace();
        ((VisionTransformer)clip.Model.ImageTower).LastHiddenState(clip.Processor.Images([samples[0].Image]), trace).Dispose();
        // (H, N - 1) each
        var asked = Enumerable.Range(1, vision.Layers).Select(block => trace[$"attention.{block}"][0, TensorIndex.Colon, 0, 1..]).ToArray();
        _maps = [.. asked.Select(map => Numbers(map, 4).Chunk(_grid * _grid).ToArray())];
        _pictures = [.. samples.Select(sample => (sample.Captions[^1], Pictures.Exact(sample.Image, 224)))];
        string[] names = [.. Enumerable.Range(1, _heads).Select(head => Lesson.In($"head {head}", $"헤드 {head}"))];
        var overlays = PictureGrid.Overlays([clip.Processor.Transform.Crop(samples[0].Image)], asked[^1].view(_heads, _grid, _grid), names,
            _heads, Lesson.In("What the class token looks at in the last block", "마지막 블록에서 클래스 토큰이 보는 곳"));
        (_still, _text) = (overlays.ToHtml(), overlays.ToText());
    }

    private protected override string Script => "attention";

    private protected override bool NeedsModel => true;

    private protected override object Content => new { Pictures = _pictures.Select(picture => new { picture.Name, picture.Source }),
        Grid = _grid, Blocks = _maps.Length, Heads = _heads, Maps = _maps };

    /// <inheritdoc/>
    public override string ToText() => _text;

    private protected override string Still() => _still;
}
