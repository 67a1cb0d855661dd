using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

internal static class Landscapes
{
    private static readonly string[] Day = ["blue sky", "grey sky", "pink sky", "orange sky", "purple sky"];
    private static readonly string[] Evening = ["red sky", "orange sky", "purple sky", "pink sky", "yellow sky"];
    private static readonly string[] Night = ["dark night sky", "purple night sky", "red night sky", "blue night sky", "orange night sky"];
    private static readonly string[] Land = ["birds", "a white moon", "a white cloud", "a red balloon", "a small cabin"];
    private static readonly string[] Sea = ["birds", "a white moon", "a white cloud", "a red balloon", "a sailboat"];
    private static readonly string[] Air = ["birds", "a white moon", "a white cloud", "a red balloon"];

    private static readonly string[] Leaves =
    [
        "M6 -54 C-6 -66 -20 -58 -24 -46 C-14 -52 -4 -52 6 -54 Z",
        "M6 -54 C16 -68 32 -60 36 -46 C26 -52 16 -52 6 -54 Z",
        "M6 -54 C-4 -52 -12 -42 -12 -32 C-4 -40 2 -46 6 -54 Z",
        "M6 -54 C16 -52 24 -42 24 -32 C16 -38 10 -46 6 -54 Z",
    ];

    public static ISubject[] All { get; } =
    [
        new LandscapeSubject("sunset over the ocean", "sunset", Evening, Sea, Sunset),
        new LandscapeSubject("snowy mountain", "mountain with snow", Day, Land, Mountain),
        new LandscapeSubject("forest", "forest of green trees", Day, Air, Forest),
        new LandscapeSubject("city at night", "city with tall buildings", Night, Air, City),
        new LandscapeSubject("desert", "desert with cactus plants", Day, Land, Desert),
        new LandscapeSubject("rainbow", "rainbow over green hills", ["blue sky", "grey sky", "pink sky", "dark night sky", "yellow sky"],
            ["birds", "a white cloud", "a small cabin", "a red balloon", "a white moon"], Rainbow),
        new LandscapeSubject("beach", "beach with a palm tree", Day, Sea, Beach),
        new LandscapeSubject("field of flowers", "field of flowers", Day, Land, Flowers),
        new LandscapeSubject("waterfall", "waterfall between rocks", Day, Air, Waterfall),
        new LandscapeSubject("volcano", "volcano with red lava", Day, Land, Volcano),
        new LandscapeSubject("lighthouse", "red and white lighthouse", Day, Sea, Lighthouse),
        new LandscapeSubject("castle", "stone castle", Day, Air, Castle),
    ];

    private static SKColor Rgb(uint rgb) => Backdrop.Rgb(rgb);

    private static void Sunset(Pen p, string sky)
    {
        float x = p.Dice.Between(40, 60);
        p.Circle(x, 58, 20, Rgb(0xFFE94F), 0);
        p.Box(0, 58, 100, 42, Rgb(0x27447F), 0);
        for (int i = 0; i < 7; i++)
            p.Line(x - 16 + (i * 1.5f), 62 + (i * 5.5f), x + 16 - (i * 1.5f), 62 + (i * 5.5f), Rgb(0xFFD75A), 2.4f);
    }

    private static void Mountain(Pen p, string sky)
    {
        float top = p.Dice.Between(-3, 5);
        p.At(0, top, 1, 1, 0, q =>
        {
            q.Path("M-10 84 L24 38 L60 84 Z M44 84 L82 42 L116 84 Z", Rgb(0x5F6C82), 1.4f);
            q.Path("M8 86 L50 16 L92 86 Z", Rgb(0x6F7C92), 1.6f);
            q.Path("M50 16 L68 46 L59 41 L52 50 L44 41 L33 45 Z", SKColors.White, 1.2f);
        });
        p.Box(0, 82, 100, 18, Rgb(0xF3F8FC), 0);
    }

    private static void Pine(Pen p, float x, float y, float scale, SKColor green) => p.At(x, y, scale, scale, 0, q =>
    {
        q.Box(-3, -8, 6, 10, Palette.Of("brown"), 1.2f);
        q.Path("M0 -62 L13 -40 L7 -40 L18 -23 L10 -23 L22 -6 L-22 -6 L-10 -23 L-18 -23 L-7 -40 L-13 -40 Z", green, 1.6f);
    });

    private static void Forest(Pen p, string sky)
    {
        p.Box(0, 66, 100, 34, Rgb(0x3F8A3A), 0);
        for (int i = 0; i < 6; i++)
            Pine(p, (i * 19) + p.Dice.Between(-2, 6), 74, p.Dice.Between(0.72f, 0.86f), Rgb(0x226B35));
        for (int i = 0; i < 5; i++)
            Pine(p, (i * 23) + p.Dice.Between(0, 10), 95, p.Dice.Between(0.85f, 1f), Rgb(0x2E8F45));
    }

    private static void City(Pen p, string sky)
    {
        for (int i = 0; i < 6; i++)
        {
            float x = i * 17, top = p.Dice.Between(34, 62);
            p.Box(x, top, 15, 101 - top, Rgb(0x2C2F45), 1.2f);
            for (float y = top + 4; y < 96; y += 8)
                for (int k = 0; k < 3; k++)
                    if (p.Dice.Below(4) > 0)
                        p.Box(x + 2 + (k * 4), y, 2.6f, 4, Rgb(0xFFE066), 0);
        }
    }

    private static void Desert(Pen p, string sky)
    {
        p.Path("M-2 70 Q24 54 50 68 T102 62 L102 102 L-2 102 Z", Rgb(0xE8BC62), 0);
        p.Path("M-2 88 Q40 70 102 92 L102 102 L-2 102 Z", Rgb(0xD39F48), 0);
        float x = p.Dice.Between(44, 56);
        p.At(x, 88, 1, 1, 0, q =>
        {
            q.Curve("M0 0 L0 -46 M0 -16 L-14 -16 L-14 -30 M0 -22 L14 -22 L14 -36", Pen.Ink, 12);
            q.Curve("M0 0 L0 -46 M0 -16 L-14 -16 L-14 -30 M0 -22 L14 -22 L14 -36", Rgb(0x3C9444), 8.5f);
        });
    }

    private static void Rainbow(Pen p, string sky)
    {
        string[] bands = ["red", "orange", "yellow", "green", "blue", "purple"];
        for (int i = 0; i < bands.Length; i++)
            p.Ring(50, 78, 47 - (i * 4.5f), Palette.Of(bands[i]), 4.7f);
        p.Path("M-2 76 Q25 62 50 76 T102 74 L102 102 L-2 102 Z", Rgb(0x57B04A), 0);
    }

    private static void Beach(Pen p, string sky)
    {
        p.Box(0, 46, 100, 30, Rgb(0x2E9BD6), 0);
        p.Path("M-2 76 Q30 66 102 82 L102 102 L-2 102 Z", Rgb(0xF3DC96), 0);
        p.At(p.Dice.Between(44, 56), 92, 1, 1, 0, q =>
        {
            q.Curve("M0 0 C-3 -24 2 -40 6 -54", Rgb(0x8A5A30), 5);
            foreach (string leaf in Leaves)
                q.Path(leaf, Rgb(0x2C9A45), 1.2f);
        });
    }

    private static void Flowers(Pen p, string sky)
    {
        p.Box(0, 46, 100, 54, Rgb(0x5FB84C), 0);
        string[] colors = ["red", "yellow", "pink", "purple", "white"];
        for (int row = 0; row < 4; row++)
            for (int i = 0; i < 8 - row; i++)
            {
                float x = (i * (14f + (row * 2.5f))) + p.Dice.Between(0, 6), y = 53 + (row * 13);
                float r = 2 + (row * 0.7f);
                var color = Palette.Of(colors[p.Dice.Below(5)]);
                p.Line(x, y, x, y + (r * 3), Rgb(0x2C7A2C), 1.2f);
                for (int k = 0; k < 5; k++)
                    p.Circle(x + (r * MathF.Cos(k * 1.2566f)), y + (r * MathF.Sin(k * 1.2566f)), r * 0.75f, color, 0);
                p.Circle(x, y, r * 0.6f, Palette.Of("orange"), 0);
            }
    }

    private static void Waterfall(Pen p, string sky)
    {
        p.Path("M-2 30 L40 28 L36 102 L-2 102 Z", Rgb(0x6B5E52), 1.6f);
        p.Path("M102 30 L60 28 L64 102 L102 102 Z", Rgb(0x6B5E52), 1.6f);
        p.Path("M-2 30 Q20 22 40 30 L40 35 L-2 38 Z M102 30 Q80 22 60 30 L60 35 L102 38 Z", Rgb(0x4DA645), 0);
        p.Box(37, 30, 26, 60, Rgb(0x6CC5F2), 0);
        for (int i = 0; i < 4; i++)
            p.Line(40 + (i * 6.5f), 32 + p.Dice.Between(0, 8), 40 + (i * 6.5f), 84, SKColors.White, 2);
        p.Ellipse(50, 97, 58, 12, Rgb(0x2F86CC), 0);
        foreach (float x in new[] { 38f, 46, 54, 62 })
            p.Circle(x, 87, 5, SKColors.White, 0);
    }

    private static void Volcano(Pen p, string sky)
    {
        foreach ((float x, float y, float r) in new[] { (50f, 24f, 7f), (57f, 15f, 8f), (48f, 7f, 9f) })
            p.Circle(x, y, r, Rgb(0x5A5560), 0);
        p.Path("M6 88 L40 34 L60 34 L94 88 Z", Rgb(0x574038), 1.8f);
        p.Path("M40 34 L60 34 L62 54 L56 50 L54 72 L48 54 L44 62 L38 44 Z", Rgb(0xF4511E), 1);
        p.Path("M42 34 L38 22 L47 29 L50 17 L54 29 L62 22 L58 34 Z", Rgb(0xFFB020), 1);
        p.Box(0, 86, 100, 14, Rgb(0x4B6B3C), 0);
    }

    private static void Lighthouse(Pen p, string sky)
    {
        p.Box(0, 72, 100, 28, Rgb(0x2E78BE), 0);
        p.Path("M24 96 Q32 76 50 78 Q70 76 78 96 Z", Rgb(0x77706A), 1.4f);
        p.Path("M40 82 L44 30 L56 30 L60 82 Z", SKColors.White, 1.6f);
        p.Path("M43.2 40 L56.8 40 L57.6 51 L42.4 51 Z M41.4 62 L58.6 62 L59.4 73 L40.6 73 Z", Palette.Of("red"), 1);
        p.Box(43, 20, 14, 10, Rgb(0xFFE766), 1.6f);
        p.Path("M41 20 L50 9 L59 20 Z", Palette.Of("red"), 1.6f);
    }

    private static void Castle(Pen p, string sky)
    {
        p.Box(0, 78, 100, 22, Rgb(0x5DB04A), 0);
        var stone = Rgb(0xB4ADA6);
        p.Path("M28 86 L28 52 L34 52 L34 57 L41 57 L41 52 L47 52 L47 57 L53 57 L53 52 L59 52 L59 57 L66 57 L66 52 L72 52 L72 86 Z", stone,
            1.6f);
        foreach (float x in new[] { 20f, 66 })
        {
            p.Box(x, 40, 14, 46, stone, 1.6f);
            p.At(x + 7, 40, 1, 1, 0, q => q.Path("M-10 0 L0 -19 L10 0 Z", Palette.Of("blue"), 1.6f));
            p.Box(x + 5, 49, 4, 8, Pen.Ink, 0);
        }
        p.Path("M43 86 L43 74 C43 64 57 64 57 74 L57 86 Z", Palette.Of("brown"), 1.6f);
    }
}
