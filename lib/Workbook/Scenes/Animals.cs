using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

internal static class Animals
{
    private static readonly string[] Furs = ["brown", "black", "white", "grey", "orange"];
    private static readonly string[] Brights = ["red", "blue", "yellow", "green", "orange", "purple", "pink"];

    public static ISubject[] All { get; } =
    [
        new ThingSubject("cat", "{0} cat", "{0} cats", Furs, Backdrop.Outdoors, Cat),
        new ThingSubject("dog", "{0} dog", "{0} dogs", Furs, Backdrop.Outdoors, Dog),
        new ThingSubject("bird", "{0} bird", "{0} birds", Brights, Backdrop.Outdoors, Bird),
        new ThingSubject("fish", "{0} fish", "{0} fish", Brights, Backdrop.Waters, Fish),
        new ThingSubject("horse", "{0} horse", "{0} horses", Furs, Backdrop.Outdoors, Horse),
        new ThingSubject("butterfly", "{0} butterfly", "{0} butterflies", Brights, Backdrop.Skies, Butterfly),
    ];

    private static void Eyes(Pen p, float x1, float x2, float y, float r)
    {
        foreach (float x in new[] { x1, x2 })
        {
            p.Circle(x, y, r, SKColors.White, 1);
            p.Circle(x, y, r * 0.55f, Pen.Ink, 0);
        }
    }

    private static void Cat(Pen p, SKColor c)
    {
        p.Curve(p.Dice.Below(2) == 0 ? "M20 40 C55 42 48 5 40 -6" : "M20 40 C52 44 34 14 48 8", Pen.Ink, 11);
        p.Curve("M20 40 C50 42 44 16 42 6", c, 7);
        p.Path("M-20 46 C-28 10 -14 -2 0 -2 C20 -2 32 20 26 46 Z", c);
        p.Line(-6, 46, -6, 26, Pen.Ink, 2);
        p.Line(6, 46, 6, 26, Pen.Ink, 2);
        p.Path("M-29 -20 L-27 -49 L-9 -36 L9 -36 L27 -49 L29 -20 C28 4 -28 4 -29 -20 Z", c);
        p.Path("M-23 -33 L-23 -42 L-15 -35 Z M23 -33 L23 -42 L15 -35 Z", Palette.Of("pink"), 0);
        Eyes(p, -12, 12, -20, 6);
        p.Path("M-4 -11 L4 -11 L0 -7 Z", Palette.Of("pink"), 1);
        foreach (float y in new[] { -12f, -7, -2 })
        {
            p.Line(-14, -8, -38, y, Pen.Mix(Pen.Ink, SKColors.White, 0.5f), 1.4f);
            p.Line(14, -8, 38, y, Pen.Mix(Pen.Ink, SKColors.White, 0.5f), 1.4f);
        }
    }

    private static void Dog(Pen p, SKColor c)
    {
        p.Curve(p.Dice.Below(2) == 0 ? "M-34 4 C-46 -4 -46 -18 -40 -26" : "M-34 6 C-48 4 -50 -8 -48 -16", Pen.Ink, 10);
        p.Curve("M-34 5 C-45 0 -46 -10 -45 -16", c, 6);
        p.Path("M-36 0 C-30 -6 10 -8 22 -8 L24 20 L24 46 L14 46 L12 24 L-20 24 L-22 46 L-33 46 L-36 20 Z", c);
        p.Path("M6 -38 C10 -46 30 -46 32 -32 L48 -26 C52 -18 46 -12 34 -12 L24 -6 L8 -6 Z", c);
        p.Path("M8 -40 C-6 -40 -8 -18 0 -8 C10 -8 14 -24 16 -38 Z", Pen.Dark(c, 0.45f));
        p.Circle(48, -24, 4.5f, Pen.Ink, 0);
        p.Circle(26, -32, 3, SKColors.White, 1);
        p.Circle(26.5f, -32, 1.7f, Pen.Ink, 0);
        p.Path("M34 -12 C34 0 42 0 41 -13 Z", Palette.Of("pink"), 1);
        p.Line(6, -5, 24, -3, Palette.Of("red"), 5);
    }

    private static void Bird(Pen p, SKColor c)
    {
        p.Line(-3, 26, -5, 46, Palette.Of("orange"), 3);
        p.Line(8, 26, 8, 46, Palette.Of("orange"), 3);
        p.Path("M-24 2 L-50 -8 L-46 12 L-22 18 Z", Pen.Dark(c));
        p.Path("M33 -28 L50 -21 L33 -15 Z", Palette.Of("orange"));
        p.Path("M-30 4 C-20 -16 0 -16 6 -26 C14 -46 40 -40 37 -20 C38 20 14 32 -2 30 C-18 28 -28 18 -30 4 Z", c);
        p.Path("M10 28 C30 22 34 4 32 -4 C22 2 14 12 10 28 Z", Pen.Light(c, 0.6f), 0);
        p.Path(p.Dice.Below(2) == 0 ? "M-22 2 C-10 -8 10 -6 12 4 C4 20 -14 18 -22 2 Z"
            : "M-14 -2 C-26 -20 -24 -36 -18 -46 C-2 -34 12 -16 10 2 Z", Pen.Dark(c));
        p.Circle(24, -26, 4, SKColors.White, 1);
        p.Circle(25, -26, 2.3f, Pen.Ink, 0);
    }

    private static void Fish(Pen p, SKColor c)
    {
        p.Path("M-20 0 L-48 -24 L-42 0 L-48 24 Z", Pen.Dark(c, 0.2f));
        p.Path("M-8 -20 C0 -40 18 -36 20 -18 Z M-4 20 L6 36 L14 18 Z", Pen.Dark(c, 0.2f));
        p.Path("M-28 0 C-14 -30 28 -32 46 0 C28 32 -14 30 -28 0 Z", c);
        if (p.Dice.Below(2) == 0)
            p.Path("M4 -22 C10 -8 10 8 4 22 L-4 21 C2 8 2 -8 -4 -21 Z", SKColors.White, 0);
        p.Curve("M18 -16 C10 -6 10 6 18 16", Pen.Ink, 2);
        p.Path("M6 2 L-10 -6 L-10 12 Z", Pen.Dark(c), 1.5f);
        p.Circle(29, -6, 5, SKColors.White, 1.2f);
        p.Circle(30, -6, 2.7f, Pen.Ink, 0);
        p.Curve("M44 6 L34 8", Pen.Ink, 2);
    }

    private static void Horse(Pen p, SKColor c)
    {
        var mane = Pen.Mix(c, Pen.Ink, 0.65f);
        p.Path("M-34 -8 C-50 -4 -48 22 -46 32 C-38 24 -36 10 -30 0 Z", mane);
        p.Path(p.Dice.Below(2) == 0
            ? "M-34 -10 C-20 -14 0 -8 8 -14 L20 -42 L26 -50 L29 -43 L48 -26 L44 -17 L30 -24 L26 8 L24 47 L16 47 L14 20 L-18 18 L-22 47 " +
                "L-30 47 L-32 14 C-38 6 -38 -6 -34 -10 Z"
            : "M-34 -10 C-20 -14 0 -8 8 -14 L20 -42 L26 -50 L29 -43 L48 -26 L44 -17 L30 -24 L26 4 L40 20 L34 38 L27 36 L30 24 L12 16 L10 " +
                "47 L2 47 L0 18 L-16 18 L-14 47 L-22 47 L-26 22 L-38 45 L-45 42 L-33 14 C-38 6 -38 -6 -34 -10 Z", c);
        p.Path("M26 -50 L18 -46 C6 -38 2 -22 0 -12 L10 -14 L24 -40 Z", mane, 1.4f);
        p.Circle(31, -34, 2.2f, Pen.Ink, 0);
    }

    private static void Butterfly(Pen p, SKColor c)
    {
        foreach (int side in new[] { -1, 1 })
            p.At(0, 0, side, 1, 0, q =>
            {
                q.Path("M2 -4 C10 -44 48 -44 46 -20 C44 0 20 4 2 2 Z", c);
                q.Path("M2 2 C26 2 40 14 34 30 C24 44 8 28 2 8 Z", Pen.Dark(c, 0.2f));
                q.Circle(29, -19, 7, Pen.Light(c, 0.6f), 1);
                q.Curve("M1 -22 C4 -34 8 -40 13 -44", Pen.Ink, 2);
            });
        p.Ellipse(0, 0, 4, 24, Pen.Ink, 0);
    }
}
