using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

internal static class Things
{
    private static readonly string[] Paints = ["red", "blue", "yellow", "green", "purple", "pink"];

    public static ISubject[] All { get; } =
    [
        new ThingSubject("house", "{0} house", "{0} houses", Paints, Backdrop.Outdoors, House),
        new ThingSubject("umbrella", "{0} umbrella", "{0} umbrellas", Paints, Backdrop.Outdoors, Umbrella),
        new ThingSubject("clock", "{0} clock", "{0} clocks", Paints, Backdrop.Walls, Clock) { Turns = false },
        new ThingSubject("chair", "{0} chair", "{0} chairs", Paints, Backdrop.Walls, Chair),
        new ThingSubject("lamp", "{0} lamp", "{0} lamps", Paints, Backdrop.Walls, Lamp),
        new ThingSubject("key", "{0} key", "{0} keys", ["golden", "silver", "red", "blue"], Backdrop.Tables, Key),
        new ThingSubject("guitar", "{0} guitar", "{0} guitars", ["brown", "red", "blue", "black", "green"], Backdrop.Walls, Guitar),
        new ThingSubject("book", "{0} book", "{0} books", Paints, Backdrop.Tables, Book),
        new ThingSubject("balloon", "{0} balloon", "{0} balloons", Paints, Backdrop.Skies, Balloon),
        new ThingSubject("tree", "tree with {0} leaves", "trees with {0} leaves", ["green", "red", "orange", "yellow", "pink"],
            Backdrop.Outdoors, Tree),
        new ThingSubject("flower", "{0} flower", "{0} flowers", Paints, Backdrop.Outdoors, Flower),
        new ThingSubject("mushroom", "{0} mushroom", "{0} mushrooms", ["red", "brown", "purple", "blue", "orange"], Backdrop.Outdoors,
            Mushroom),
    ];

    private static void House(Pen p, SKColor c)
    {
        p.Box(18, -42, 10, 24, Palette.Of("brown"));
        p.Box(-34, -8, 68, 54, c, 2.4f);
        p.Path("M-44 -6 L0 -46 L44 -6 Z", Backdrop.Rgb(0x7A4436), 2.4f);
        p.Box(-8, 16, 16, 30, Palette.Of("brown"));
        foreach (float x in new[] { -27f, 13 })
        {
            p.Box(x, 2, 14, 13, Backdrop.Rgb(0xFFF0A8), 1.6f);
            p.Line(x + 7, 2, x + 7, 15, Pen.Ink, 1.4f);
        }
    }

    private static void Umbrella(Pen p, SKColor c)
    {
        p.Curve("M0 -46 L0 36 C0 50 -16 50 -16 38", Pen.Ink, 4.5f);
        p.Path("M-48 2 C-46 -56 46 -56 48 2 C40 -8 24 -8 16 2 C10 -8 -10 -8 -16 2 C-24 -8 -40 -8 -48 2 Z", c, 2.4f);
        p.Curve("M0 -41 C-12 -30 -16 -14 -16 2 M0 -41 C12 -30 16 -14 16 2", Pen.Ink, 1.8f);
    }

    private static void Clock(Pen p, SKColor c)
    {
        p.Circle(0, 0, 46, c, 2.4f);
        p.Circle(0, 0, 36, SKColors.White);
        for (int i = 0; i < 12; i++)
            p.At(0, 0, 1, 1, i * 30, q => q.Line(0, -32, 0, -27, Pen.Ink, 2.6f));
        int hour = p.Dice.Below(12);
        p.At(0, 0, 1, 1, hour * 30, q => q.Line(0, 0, 0, -17, Pen.Ink, 5));
        p.At(0, 0, 1, 1, p.Dice.Below(12) * 30, q => q.Line(0, 0, 0, -26, Pen.Ink, 3));
        p.Circle(0, 0, 3.5f, Palette.Of("red"), 0);
    }

    private static void Chair(Pen p, SKColor c)
    {
        p.Path("M-28 14 L-28 47 L-21 47 L-21 14 Z M22 14 L22 47 L29 47 L29 14 Z M-14 8 L-14 34 L-9 34 L-9 8 Z M12 8 L12 34 L17 34 L17 8 Z",
            Palette.Of("brown"), 1.6f);
        p.Box(-28, -48, 9, 62, c, 2.2f, 2);
        p.Path("M-28 4 L20 4 L32 15 L-28 15 Z", c, 2.4f);
    }

    private static void Lamp(Pen p, SKColor c)
    {
        p.Circle(0, -6, 36, Backdrop.Rgb(0xFFF6B8).WithAlpha(170), 0);
        p.Box(-3, -4, 6, 44, Pen.Ink, 0);
        p.Path("M-20 46 C-18 36 18 36 20 46 Z", Pen.Dark(c));
        p.Path("M-18 -46 L18 -46 L36 2 L-36 2 Z", c, 2.4f);
        p.Circle(0, 6, 6, Palette.Of("yellow"), 1.4f);
    }

    private static void Key(Pen p, SKColor c)
    {
        p.At(0, 6, 1, 1, -12, q =>
        {
            q.Curve("M-8 0 L46 0 M32 0 L32 16 M43 0 L43 16", Pen.Ink, 12);
            q.Ring(-27, 0, 17, Pen.Ink, 14);
            q.Ring(-27, 0, 17, c, 9.5f);
            q.Curve("M-8 0 L46 0 M32 0 L32 16 M43 0 L43 16", c, 8);
        });
    }

    private static void Guitar(Pen p, SKColor c) => p.At(0, 0, 1, 1, 28, q =>
    {
        q.Box(-4, -46, 8, 50, Backdrop.Rgb(0x5A3A22), 1.8f);
        q.Box(-7, -54, 14, 11, Pen.Ink, 0, 2);
        q.Path("M0 -8 C-20 -12 -22 6 -15 12 C-32 20 -26 48 0 48 C26 48 32 20 15 12 C22 6 20 -12 0 -8 Z", c, 2.4f);
        q.Circle(0, 14, 8, Pen.Ink, 0);
        q.Box(-10, 33, 20, 4, Pen.Ink, 0);
        q.Curve("M-2 -46 L-2 34 M2 -46 L2 34", SKColors.White, 1);
    });

    private static void Book(Pen p, SKColor c)
    {
        p.Path("M-50 -22 L0 -14 L50 -22 L50 36 L0 44 L-50 36 Z", c, 2.4f);
        p.Path("M-44 -28 C-30 -34 -10 -30 0 -20 L0 36 C-10 26 -30 24 -44 28 Z M44 -28 C30 -34 10 -30 0 -20 L0 36 C10 26 30 24 44 28 Z",
            SKColors.White);
        p.Curve("M-36 -18 L-10 -13 M-36 -6 L-10 -1 M-36 6 L-10 11 M36 -18 L10 -13 M36 -6 L10 -1 M36 6 L10 11", Palette.Of("grey"), 2.4f);
    }

    private static void Balloon(Pen p, SKColor c)
    {
        p.Curve("M0 24 C-8 32 8 40 0 50", Pen.Ink, 1.8f);
        p.Path("M0 20 L-6 27 L6 27 Z", c);
        p.Ellipse(0, -14, 28, 35, c, 2.4f);
        p.Ellipse(-11, -26, 5, 10, Pen.Light(c, 0.7f), 0);
    }

    private static void Tree(Pen p, SKColor c)
    {
        p.Path("M-7 47 L-5 4 L5 4 L7 47 Z", Palette.Of("brown"), 2.2f);
        p.Path("M-24 14 C-46 14 -48 -14 -30 -18 C-32 -42 -4 -54 8 -42 C30 -48 40 -28 32 -16 C50 -10 44 16 24 14 C12 22 -12 22 -24 14 Z", c,
            2.4f);
    }

    private static void Flower(Pen p, SKColor c)
    {
        p.Line(0, -8, 0, 48, Backdrop.Rgb(0x1F7A32), 5);
        p.Path("M0 38 C8 18 22 18 28 16 C28 30 14 40 0 38 Z M0 44 C-8 26 -20 26 -26 24 C-26 36 -14 46 0 44 Z", Backdrop.Rgb(0x2A9140),
            1.6f);
        for (int i = 0; i < 6; i++)
            p.At(0, -16, 1, 1, i * 60, q => q.Ellipse(0, -19, 10, 14, c, 1.8f));
        p.Circle(0, -16, 10, Palette.Of("orange"), 1.8f);
    }

    private static void Mushroom(Pen p, SKColor c)
    {
        p.Path("M-13 2 C-10 20 -16 36 -18 46 L18 46 C16 36 10 20 13 2 Z", Backdrop.Rgb(0xF7EBD5), 2.4f);
        p.Path("M-46 8 C-46 -56 46 -56 46 8 C30 14 -30 14 -46 8 Z", c, 2.4f);
        foreach ((float x, float y, float r) in new[] { (-22f, -8f, 7f), (2f, -24f, 8f), (22f, -6f, 6f), (-2f, -2f, 5f) })
            p.Circle(x, y, r, SKColors.White, 0);
    }
}
