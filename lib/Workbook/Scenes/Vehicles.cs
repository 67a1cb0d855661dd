using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

internal static class Vehicles
{
    private static readonly string[] Paints = ["red", "blue", "yellow", "green", "white", "purple"];
    private static readonly SKColor Glass = Backdrop.Rgb(0xBFE6F7);

    public static ISubject[] All { get; } =
    [
        new ThingSubject("car", "{0} car", "{0} cars", Paints, Backdrop.Roads, Car),
        new ThingSubject("bus", "{0} bus", "{0} buses", Paints, Backdrop.Roads, Bus),
        new ThingSubject("bicycle", "{0} bicycle", "{0} bicycles", Paints, Backdrop.Roads, Bicycle),
        new ThingSubject("train", "{0} train", "{0} trains", Paints, Backdrop.Outdoors, Train),
        new ThingSubject("airplane", "{0} airplane", "{0} airplanes", Paints, Backdrop.Skies, Airplane),
        new ThingSubject("rocket", "{0} rocket", "{0} rockets", Paints, Backdrop.Skies, Rocket),
        new ThingSubject("sailboat", "{0} sailboat", "{0} sailboats", Paints, Backdrop.Seas, Sailboat),
    ];

    private static void Wheel(Pen p, float x, float y, float r)
    {
        p.Circle(x, y, r, Pen.Ink);
        p.Circle(x, y, r * 0.5f, Palette.Of("silver"), 0);
    }

    private static void Car(Pen p, SKColor c)
    {
        p.Path("M-48 30 L-48 10 C-46 4 -38 2 -30 2 L-18 -18 L14 -18 L28 2 C40 4 48 8 48 16 L48 30 Z", c);
        p.Path("M-22 2 L-13 -12 L-3 -12 L-3 2 Z M3 2 L3 -12 L12 -12 L21 2 Z", Glass, 1.6f);
        p.Ellipse(45, 14, 3, 4, Palette.Of("yellow"), 1);
        Wheel(p, -26, 31, 11);
        Wheel(p, 26, 31, 11);
    }

    private static void Bus(Pen p, SKColor c)
    {
        p.Box(-48, -34, 96, 64, c, 2.4f, 6);
        for (int i = 0; i < 4; i++)
            p.Box(-43 + (i * 18), -27, 14, 22, Glass, 1.6f);
        p.Box(31, -27, 14, 56, Glass, 1.6f);
        p.Line(-47, 8, 29, 8, SKColors.White, 4);
        Wheel(p, -28, 32, 10);
        Wheel(p, 18, 32, 10);
    }

    private static void Bicycle(Pen p, SKColor c)
    {
        foreach (float x in new[] { -27f, 27 })
        {
            p.Ring(x, 22, 19, Pen.Ink, 5);
            p.Ring(x, 22, 19, Palette.Of("silver"), 1.2f);
        }
        p.Curve("M-27 22 L-12 -8 L18 -8 L0 22 L-27 22 M-15 -16 L0 22 M27 22 L15 -22", Pen.Ink, 8);
        p.Curve("M-27 22 L-12 -8 L18 -8 L0 22 L-27 22 M-15 -16 L0 22 M27 22 L15 -22", c, 5);
        p.Curve("M15 -22 L26 -26 L30 -20", Pen.Ink, 4);
        p.Line(-22, -17, -7, -17, Pen.Ink, 6);
    }

    private static void Train(Pen p, SKColor c)
    {
        p.Line(-60, 44, 60, 44, Pen.Ink, 3);
        p.Box(-44, -34, 30, 60, c, 2.4f);
        p.Box(-48, -40, 38, 7, Pen.Dark(c));
        p.Box(-37, -26, 16, 18, Glass, 1.6f);
        p.Box(-14, -10, 52, 36, c, 2.4f, 4);
        p.Path("M20 -10 L17 -32 L34 -32 L31 -10 Z", Pen.Ink);
        p.Path("M38 14 L50 32 L38 32 Z", Palette.Of("silver"));
        p.Box(-46, 24, 86, 7, Pen.Dark(c));
        foreach ((float x, float y, float r) in new[] { (25f, -40f, 5f), (16f, -46f, 6f) })
            p.Circle(x, y, r, SKColors.White, 1);
        Wheel(p, -30, 34, 11);
        Wheel(p, -4, 37, 8);
        Wheel(p, 14, 37, 8);
        Wheel(p, 31, 37, 8);
    }

    private static void Airplane(Pen p, SKColor c)
    {
        p.Path("M4 -4 L-10 -34 L-2 -34 L22 -4 Z", Pen.Dark(c, 0.2f));
        p.Path("M-34 -2 L-48 -28 L-38 -28 L-20 -6 Z", Pen.Dark(c, 0.2f));
        p.Path("M-46 0 C-30 -10 20 -12 36 -8 C50 -4 52 6 38 9 C14 12 -20 10 -46 0 Z", c);
        p.Path("M6 4 L-16 38 L-6 38 L24 4 Z", Pen.Dark(c, 0.2f));
        for (int i = 0; i < 5; i++)
            p.Circle(-16 + (i * 9), -3, 2, Glass, 0.8f);
        p.Path("M34 -7 L44 -3 L36 -1 Z", Glass, 1);
    }

    private static void Rocket(Pen p, SKColor c)
    {
        p.Path("M-10 28 L-12 40 L-4 36 L0 50 L4 36 L12 40 L10 28 Z", Palette.Of("orange"), 1.5f);
        p.Path("M-15 4 L-30 32 L-13 26 Z M15 4 L30 32 L13 26 Z", Pen.Dark(c));
        p.Path("M0 -50 C18 -34 18 4 12 30 L-12 30 C-18 4 -18 -34 0 -50 Z", c);
        p.Path("M0 -50 C8 -43 12 -34 14 -26 L-14 -26 C-12 -34 -8 -43 0 -50 Z", SKColors.White, 1.5f);
        p.Circle(0, -8, 8, Glass);
    }

    private static void Sailboat(Pen p, SKColor c)
    {
        p.Line(0, -48, 0, 24, Pen.Ink, 3);
        p.Path("M-3 -44 L-3 18 L-38 18 Z", c);
        p.Path("M4 -36 L4 18 L34 18 Z", Pen.Light(c, 0.5f));
        p.Path("M-44 24 L44 24 L30 44 L-30 44 Z", Palette.Of("brown"));
    }
}
