using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

internal static class Food
{
    private static readonly string[] Sweets = ["pink", "brown", "white", "green", "yellow"];

    public static ISubject[] All { get; } =
    [
        new ThingSubject("pizza", "pizza with {0} toppings", "pizzas with {0} toppings", ["red", "green", "black", "brown", "white"],
            Backdrop.Tables, Pizza),
        new ThingSubject("apple", "{0} apple", "{0} apples", ["red", "green", "yellow"], Backdrop.Tables, Apple),
        new ThingSubject("banana", "{0} banana", "{0} bananas", ["yellow", "green", "brown"], Backdrop.Tables, Banana),
        new ThingSubject("ice cream", "{0} ice cream", "{0} ice creams", Sweets, Backdrop.Walls, IceCream),
        new ThingSubject("cake", "{0} cake", "{0} cakes", Sweets, Backdrop.Tables, Cake),
        new ThingSubject("cup of coffee", "{0} cup of coffee", "{0} cups of coffee", ["red", "blue", "white", "green", "yellow"],
            Backdrop.Tables, Coffee),
    ];

    private static void Pizza(Pen p, SKColor c)
    {
        p.Circle(0, 4, 46, Backdrop.Rgb(0xC98A3E), 2.4f);
        p.Circle(0, 4, 38, Backdrop.Rgb(0xF9D25C), 1);
        foreach ((float x, float y) in new[] { (-18f, -14f), (12f, -20f), (24f, 6f), (-26f, 12f), (0f, 2f), (12f, 26f), (-10f, 30f) })
            p.Circle(x, y, 6.5f, c, 1.5f);
        for (int i = 0; i < 4; i++)
            p.At(0, 4, 1, 1, i * 45, q => q.Line(-44, 0, 44, 0, Backdrop.Rgb(0xA8671F), 1.6f));
    }

    private static void Apple(Pen p, SKColor c)
    {
        p.Path("M0 -18 C-14 -32 -44 -24 -40 8 C-37 34 -18 48 0 40 C18 48 37 34 40 8 C44 -24 14 -32 0 -18 Z", c, 2.4f);
        p.Curve("M0 -16 C-1 -28 2 -36 8 -44", Palette.Of("brown"), 5);
        p.Path("M4 -28 C10 -44 28 -44 34 -38 C28 -26 14 -22 4 -28 Z", Palette.Of("green"));
        p.Ellipse(-22, -4, 6, 10, Pen.Light(c, 0.6f), 0);
    }

    private static void Banana(Pen p, SKColor c)
    {
        p.Path("M-44 -24 C-36 20 4 36 44 6 L48 12 C34 54 -44 52 -50 -22 Z", c, 2.4f);
        p.Path("M-52 -20 L-48 -36 L-42 -36 L-42 -20 Z M43 6 L50 4 L51 12 L46 14 Z", Palette.Of("brown"));
        p.Curve("M-44 -10 C-34 30 10 42 40 18", Pen.Dark(c), 1.8f);
    }

    private static void IceCream(Pen p, SKColor c)
    {
        p.Path("M-22 0 L22 0 L0 50 Z", Backdrop.Rgb(0xDDA052), 2.2f);
        p.Curve("M-12 2 L6 34 M0 2 L11 24 M12 2 L-6 34 M0 2 L-11 24", Backdrop.Rgb(0x9A6425), 1.6f);
        p.Path("M-27 2 C-34 -12 -24 -20 -24 -22 C-24 -54 24 -54 24 -22 C34 -14 32 -4 27 2 C20 8 16 0 10 4 C4 10 -4 8 -10 3 C-16 0 -20 8 " +
            "-27 2 Z", c, 2.4f);
        p.Circle(4, -46, 5, Palette.Of("red"), 1.5f);
    }

    private static void Cake(Pen p, SKColor c)
    {
        p.Ellipse(0, 42, 48, 7, Palette.Of("silver"));
        p.Box(-40, 6, 80, 34, Backdrop.Rgb(0xF2D9A8));
        p.Path("M-40 6 L40 6 L40 22 C34 28 30 16 22 22 C14 30 8 16 0 22 C-8 28 -14 16 -22 22 C-30 28 -34 18 -40 22 Z", c);
        p.Box(-26, -16, 52, 22, c);
        foreach (float x in new[] { -16f, 0, 16 })
        {
            p.Box(x - 2, -34, 4, 18, Palette.Of("blue"), 1);
            p.Ellipse(x, -41, 3.5f, 6, Palette.Of("orange"), 1);
        }
    }

    private static void Coffee(Pen p, SKColor c)
    {
        p.Ellipse(-2, 42, 44, 6, SKColors.White);
        p.Ring(32, 8, 13, Pen.Ink, 9);
        p.Ring(32, 8, 13, c, 5);
        p.Path("M-34 -12 L32 -12 C32 20 24 40 12 40 L-14 40 C-26 40 -34 20 -34 -12 Z", c, 2.4f);
        p.Ellipse(-1, -12, 33, 8, Backdrop.Rgb(0x5A3218), 2.4f);
        p.Curve("M-14 -24 C-22 -32 -6 -38 -14 -48 M2 -24 C-6 -32 10 -38 2 -48 M18 -24 C10 -32 26 -38 18 -48", Palette.Of("grey"), 3);
    }
}
