using System.Collections.Concurrent;
using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>Bold, outlined shapes on a square of 100 x 100 units; objects are drawn around (0, 0) within ±50.</summary>
internal sealed class Pen(SKCanvas canvas, Dice dice) : IDisposable
{
    public static readonly SKColor Ink = new(0x26, 0x22, 0x2A);
    private static readonly ConcurrentDictionary<string, SKPath> Paths = new();
    private readonly SKPaint _fill = new() { IsAntialias = true, Style = SKPaintStyle.Fill };
    private readonly SKPaint _stroke = new()
    {
        IsAntialias = true,
        Style = SKPaintStyle.Stroke,
        StrokeCap = SKStrokeCap.Round,
        StrokeJoin = SKStrokeJoin.Round,
    };

    public SKCanvas Canvas { get; } = canvas;

    public Dice Dice { get; } = dice;

    public static SKColor Mix(SKColor from, SKColor to, float share) => new(
        (byte)(from.Red + ((to.Red - from.Red) * share)),
        (byte)(from.Green + ((to.Green - from.Green) * share)),
        (byte)(from.Blue + ((to.Blue - from.Blue) * share)));

    public static SKColor Dark(SKColor color, float share = 0.3f) => Mix(color, SKColors.Black, share);

    public static SKColor Light(SKColor color, float share = 0.4f) => Mix(color, SKColors.White, share);

    /// <summary>A closed or open outline in SVG path syntax, filled and edged.</summary>
    public void Path(string svg, SKColor fill, float edge = 2)
    {
        var path = Parsed(svg);
        _fill.Color = fill;
        Canvas.DrawPath(path, _fill);
        if (edge > 0)
            Canvas.DrawPath(path, Stroke(Ink, edge));
    }

    public void Curve(string svg, SKColor color, float width = 2) => Canvas.DrawPath(Parsed(svg), Stroke(color, width));

    public void Circle(float x, float y, float r, SKColor fill, float edge = 2) => Ellipse(x, y, r, r, fill, edge);

    public void Ring(float x, float y, float r, SKColor color, float width) => Canvas.DrawCircle(x, y, r, Stroke(color, width));

    public void Ellipse(float x, float y, float rx, float ry, SKColor fill, float edge = 2)
    {
        _fill.Color = fill;
        Canvas.DrawOval(x, y, rx, ry, _fill);
        if (edge > 0)
            Canvas.DrawOval(x, y, rx, ry, Stroke(Ink, edge));
    }

    public void Box(float x, float y, float width, float height, SKColor fill, float edge = 2, float round = 0)
    {
        _fill.Color = fill;
        Canvas.DrawRoundRect(x, y, width, height, round, round, _fill);
        if (edge > 0)
            Canvas.DrawRoundRect(x, y, width, height, round, round, Stroke(Ink, edge));
    }

    public void Line(float x1, float y1, float x2, float y2, SKColor color, float width = 2) =>
        Canvas.DrawLine(x1, y1, x2, y2, Stroke(color, width));

    /// <summary>Draws in a frame that is moved, turned (degrees) and scaled.</summary>
    public void At(float x, float y, float scaleX, float scaleY, float turn, Action<Pen> draw)
    {
        Canvas.Save();
        Canvas.Translate(x, y);
        Canvas.RotateDegrees(turn);
        Canvas.Scale(scaleX, scaleY);
        draw(this);
        Canvas.Restore();
    }

    public void Dispose()
    {
        _fill.Dispose();
        _stroke.Dispose();
    }

    private static SKPath Parsed(string svg) => Paths.GetOrAdd(svg, static text =>
    {
        var path = SKPath.ParseSvgPathData(text) ?? throw new ArgumentException($"'{text}' is not an SVG path.");
        // SkiaSharp computes the bounds lazily: computing them here lets the threads that share the path only read it.
        _ = path.Bounds;
        return path;
    });

    private SKPaint Stroke(SKColor color, float width)
    {
        _stroke.Color = color;
        _stroke.StrokeWidth = width;
        return _stroke;
    }
}
