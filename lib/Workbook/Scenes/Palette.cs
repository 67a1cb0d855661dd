using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>The colours that captions name, as they are drawn.</summary>
internal static class Palette
{
    public static SKColor Of(string name) => name switch
    {
        "red" => new(0xDC, 0x28, 0x28),
        "orange" => new(0xF5, 0x8A, 0x1F),
        "yellow" => new(0xF8, 0xD8, 0x28),
        "green" => new(0x2E, 0x9E, 0x3F),
        "blue" => new(0x2A, 0x5F, 0xDD),
        "purple" => new(0x85, 0x3C, 0xBE),
        "pink" => new(0xF7, 0x86, 0xB8),
        "brown" => new(0x8B, 0x55, 0x2B),
        "black" => new(0x35, 0x33, 0x3A),
        "white" => new(0xF6, 0xF5, 0xF2),
        "grey" => new(0x93, 0x96, 0x9D),
        "golden" => new(0xE2, 0xAE, 0x32),
        "silver" => new(0xB9, 0xBF, 0xC8),
        _ => throw new ArgumentException($"There is no colour '{name}' in the palette."),
    };
}
