using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>What stands behind and under an object, with the words for it, and the object colours that would not show on it.</summary>
internal sealed record Backdrop(string Phrase, Action<Pen> Draw, params string[] Hides)
{
    public static readonly Backdrop[] Outdoors =
    [
        Ground("on green grass", 0x9FD8F5, 0x5DBB46, Tufts, "green"),
        Ground("on yellow sand", 0xC9ECF7, 0xEED27A, Dots, "yellow", "golden"),
        Ground("on white snow", 0xB4C7DA, 0xFBFDFF, Flakes, "white"),
        Ground("at night", 0x14204C, 0x1F3D3A, Night, "black", "blue"),
        Ground("by a pink wall", 0xF7A8C9, 0x8C6A5A, null, "pink", "brown"),
        Ground("at sunset", 0xFF9A4A, 0x8A5A3C, LowSun, "orange", "brown"),
    ];

    public static readonly Backdrop[] Roads =
    [
        Ground("on a grey road", 0x9FD8F5, 0x7D8087, Lane, "grey"),
        Ground("on green grass", 0x9FD8F5, 0x5DBB46, Tufts, "green"),
        Ground("on desert sand", 0xFBE8C0, 0xE5B860, Dots, "yellow", "orange"),
        Ground("on white snow", 0xB4C7DA, 0xFBFDFF, Flakes, "white"),
        Ground("at night", 0x14204C, 0x32343F, Night, "black", "blue"),
        Ground("at sunset", 0xFF9A4A, 0x8A5A3C, LowSun, "orange", "brown"),
    ];

    public static readonly Backdrop[] Tables =
    [
        Ground("on a wooden table", 0xF3E6CF, 0xB97E46, Planks, "brown", "orange"),
        Ground("on a blue table", 0xDCE9F5, 0x3F78D8, null, "blue"),
        Ground("on a red tablecloth", 0xF5EAD9, 0xCE3434, Checks, "red"),
        Ground("on a green table", 0xEAF3DC, 0x3F9B57, null, "green"),
        Ground("on a white table", 0x8FA3B5, 0xF7F7F5, null, "white"),
        Ground("on a black table", 0xBFB6C9, 0x2B2A33, null, "black"),
    ];

    public static readonly Backdrop[] Walls =
    [
        Ground("against a yellow wall", 0xF7DD72, 0xA9713F, Planks, "yellow", "golden", "brown"),
        Ground("against a blue wall", 0x74AEEA, 0xA9713F, Planks, "blue", "brown"),
        Ground("against a pink wall", 0xF7A8C9, 0xC9B8A8, null, "pink"),
        Ground("against a green wall", 0x8FCF8B, 0xA9713F, Planks, "green", "brown"),
        Ground("against a white wall", 0xF6F5F1, 0x8D8F99, null, "white", "silver"),
        Ground("against a black wall", 0x2A2A33, 0x6C6872, null, "black"),
    ];

    public static readonly Backdrop[] Skies =
    [
        Sky("in a clear blue sky", 0x6FBDF2, null, "blue"),
        Sky("in a cloudy grey sky", 0xA8B0BA, Clouds, "grey", "silver"),
        Sky("in a starry night sky", 0x121B47, Stars, "black", "blue"),
        Sky("in a pink sky", 0xF9B4CC, null, "pink"),
        Sky("in an orange sky", 0xFBA557, null, "orange"),
        Ground("over green hills", 0xC2E6F8, 0x5DBB46, null, "green"),
    ];

    public static readonly Backdrop[] Waters =
    [
        Sky("in blue water", 0x3D8FE0, Bubbles, "blue"),
        Sky("in green water", 0x3FAE8C, Bubbles, "green"),
        Sky("in dark deep water", 0x10244F, Bubbles, "black"),
        Ground("above yellow sand in clear water", 0x9BDDEB, 0xEBCB72, Dots, "yellow"),
        Ground("among green seaweed", 0x6FB7E5, 0x3B6FA8, Weed, "green"),
    ];

    public static readonly Backdrop[] Seas =
    [
        Ground("on the blue sea", 0xC2E6F8, 0x2F74D0, Waves, "blue"),
        Ground("on the sea at night", 0x121B47, 0x1C3566, Night, "black", "blue"),
        Ground("on the sea at sunset", 0xFF9A4A, 0xA5456B, LowSun, "orange"),
        Ground("on a green lake", 0xE7F2D8, 0x2F9C7C, Waves, "green"),
        Ground("on a grey stormy sea", 0x80868F, 0x55626E, Waves, "grey"),
    ];

    public static SKColor Rgb(uint rgb) => new(0xFF000000 | rgb);

    public static void Stars(Pen pen)
    {
        for (int i = 0; i < 16; i++)
            pen.Circle(pen.Dice.Between(2, 98), pen.Dice.Between(2, 60), pen.Dice.Between(0.5f, 1.1f), SKColors.White, 0);
    }

    public static void Clouds(Pen pen)
    {
        for (int i = 0; i < 3; i++)
            Cloud(pen, (i * 34) + pen.Dice.Between(6, 26), pen.Dice.Between(8, 26), pen.Dice.Between(0.7f, 1.1f));
    }

    public static void Cloud(Pen pen, float x, float y, float scale)
    {
        pen.Ellipse(x, y, 11 * scale, 5 * scale, SKColors.White, 0);
        pen.Circle(x - (4 * scale), y - (3 * scale), 5 * scale, SKColors.White, 0);
        pen.Circle(x + (3 * scale), y - (4 * scale), 6 * scale, SKColors.White, 0);
    }

    private static Backdrop Sky(string phrase, uint color, Action<Pen>? details, params string[] hides) => new(phrase, pen =>
    {
        var shade = Pen.Mix(Rgb(color), SKColors.White, pen.Dice.Between(0, 0.1f));
        pen.Box(0, 0, 100, 100, shade, 0);
        details?.Invoke(pen);
    }, hides);

    private static Backdrop Ground(string phrase, uint sky, uint ground, Action<Pen>? details, params string[] hides) => new(phrase, pen =>
    {
        float horizon = pen.Dice.Between(60, 68);
        pen.Box(0, 0, 100, 100, Pen.Mix(Rgb(sky), SKColors.White, pen.Dice.Between(0, 0.1f)), 0);
        pen.Box(0, horizon, 100, 101 - horizon, Pen.Mix(Rgb(ground), SKColors.White, pen.Dice.Between(0, 0.1f)), 0);
        details?.Invoke(pen);
    }, hides);

    private static void Scatter(Pen pen, int count, Action<float, float> draw)
    {
        for (int i = 0; i < count; i++)
            draw(pen.Dice.Between(2, 98), pen.Dice.Between(71, 98));
    }

    private static void Tufts(Pen pen) => Scatter(pen, 14, (x, y) => pen.Line(x, y, x + 1, y - 4, Rgb(0x35852D), 1.2f));

    private static void Dots(Pen pen) => Scatter(pen, 16, (x, y) => pen.Circle(x, y, 0.7f, Rgb(0xB58E3C), 0));

    private static void Flakes(Pen pen)
    {
        for (int i = 0; i < 16; i++)
            pen.Circle(pen.Dice.Between(2, 98), pen.Dice.Between(2, 58), 1.1f, SKColors.White, 0);
    }

    private static void Night(Pen pen)
    {
        Stars(pen);
        pen.Circle(86, 13, 7, Rgb(0xFFF3B8), 0);
        pen.Circle(83, 11, 6, Rgb(0x1A2650), 0);
    }

    private static void LowSun(Pen pen) => pen.Circle(80, 50, 10, Rgb(0xFFE66B), 0);

    private static void Lane(Pen pen)
    {
        for (int x = -4; x < 100; x += 22)
            pen.Box(x, 94, 12, 2, SKColors.White, 0);
    }

    private static void Planks(Pen pen)
    {
        for (int y = 74; y < 100; y += 9)
            pen.Line(0, y, 100, y, Rgb(0x7B4E26), 0.9f);
    }

    private static void Checks(Pen pen)
    {
        for (int x = 0; x < 100; x += 16)
            pen.Box(x, 69, 8, 31, Rgb(0xE88080), 0);
    }

    private static void Waves(Pen pen) => Scatter(pen, 9, (x, y) => pen.Line(x - 4, y, x + 4, y, SKColors.White.WithAlpha(150), 1.1f));

    private static void Bubbles(Pen pen)
    {
        for (int i = 0; i < 9; i++)
            pen.Ring(pen.Dice.Between(3, 97), pen.Dice.Between(3, 97), pen.Dice.Between(1, 2.5f), SKColors.White.WithAlpha(190), 0.9f);
    }

    private static void Weed(Pen pen)
    {
        for (int x = 4; x < 100; x += 11)
            pen.At(x, 100, 1, pen.Dice.Between(0.7f, 1.3f), 0, p => p.Curve("M0 0 C-8 -15 8 -25 0 -42", Rgb(0x1E8A45), 3));
    }
}
