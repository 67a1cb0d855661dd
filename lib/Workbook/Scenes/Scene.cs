using ClipNotebooks.Core.Images;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>
/// One picture that can be drawn at any resolution, and true sentences about it. Immutable; safe to draw from several threads.
/// </summary>
public sealed class Scene
{
    private readonly ulong _seed;
    private readonly Action<Pen> _draw;

    internal Scene(string concept, IReadOnlyList<string> captions, IReadOnlyDictionary<string, string> attributes, ulong seed,
        Action<Pen> draw)
    {
        (Concept, Captions, Attributes) = (concept, captions, attributes);
        (_seed, _draw) = (seed, draw);
    }

    /// <summary>The zero-shot label, one of <see cref="SyntheticScenes.Concepts"/>.</summary>
    public string Concept { get; }

    /// <summary>Two to five different true captions in lower case, at most 16 words each; the first says the most.</summary>
    public IReadOnlyList<string> Captions { get; }

    /// <summary>
    /// What the picture was made from, in the words of the first caption: "color", "background", "count", "layout" of an object; "sky",
    /// "extra", "side" of a landscape; "count", "first", "relation", "second", "background" of shapes. The "composition" of any scene is
    /// what separates the training world from the held-out one: none is in both.
    /// </summary>
    public IReadOnlyDictionary<string, string> Attributes { get; }

    /// <summary>Draws the picture, antialiased.</summary>
    /// <param name="size">R, at least 8; the picture has R · R pixels and looks the same at every R.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 8.</exception>
    public RasterImage Draw(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        using var bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        canvas.Scale(size / 100f);
        using (var pen = new Pen(canvas, new Dice(_seed)))
            _draw(pen);
        canvas.Flush();
        return RasterImage.FromBitmap(bitmap);
    }
}
