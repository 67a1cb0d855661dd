using SkiaSharp;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>A concept of the world: everything it can be composed of, and how one composition becomes a scene.</summary>
internal interface ISubject
{
    string Concept { get; }

    /// <summary>Chooses compositions at random until one belongs to the world asked for.</summary>
    Scene Create(SceneWorld world, ulong seed);
}

/// <summary>
/// A thing of some colour in front of something or on it, alone or in twos and threes. {0} in its nouns stands for the colour. It is
/// painted in that colour around (0, 0), within ±50, facing right.
/// </summary>
internal sealed record ThingSubject(string Concept, string Noun, string Plural, string[] Colors, Backdrop[] Backdrops,
    Action<Pen, SKColor> Paint) : ISubject
{
    private static readonly string[] Openings = ["", "a photo of ", "a picture of ", "a drawing of "];
    private static readonly string[] Layouts = ["big", "small left", "small middle", "small right", "big", "two", "three"];

    public bool Turns { get; init; } = true;

    public Scene Create(SceneWorld world, ulong seed)
    {
        var dice = new Dice(seed);
        int color, backdrop;
        do
            (color, backdrop) = (dice.Below(Colors.Length), dice.Below(Backdrops.Length));
        while ((((color * 2) + backdrop + Concept.Length) % 5 == 0) != (world == SceneWorld.HeldOut)
            || Backdrops[backdrop].Hides.Contains(Colors[color]));
        string layout = dice.Of(Layouts), place = Backdrops[backdrop].Phrase, hue = Colors[color];
        int count = layout switch { "two" => 2, "three" => 3, _ => 1 };
        string one = string.Format(null, Noun, hue), many = string.Format(null, Plural, hue), plain = Concept;
        string opening = dice.Of(Openings);
        string[] captions = count > 1
            ? [$"{opening}{layout} {many} {place}", $"{layout} {many}", $"{many} {place}",
                $"{layout} {string.Format(null, Plural, "").Replace("  ", " ", StringComparison.Ordinal).Trim()}",
                $"a photo of {Words.A(plain)}"]
            : [
                opening + Words.A($"{layout.Split(' ')[0]} {one} {place}") +
                    (layout == "big" ? "" : layout == "small middle" ? ", in the middle" : $", on the {layout[6..]}"),
                Words.A(one), $"{dice.Of(Openings)}{Words.A($"{one} {place}")}", Words.A($"{plain} {place}"),
                    $"a photo of {Words.A(plain)}"];
        var attributes = new Dictionary<string, string>
        {
            ["color"] = hue,
            ["background"] = place,
            ["layout"] = layout,
            ["count"] = count == 1 ? "one" : layout,
            ["composition"] = $"{Concept}|{hue}|{place}",
        };
        return new Scene(Concept, [.. captions.Distinct()], attributes, dice.Bits(), pen => Draw(pen, Backdrops[backdrop], layout, hue));
    }

    private void Draw(Pen pen, Backdrop backdrop, string layout, string hue)
    {
        backdrop.Draw(pen);
        (float[] xs, float y, float scale) = layout switch
        {
            "two" => (new float[] { 26, 74 }, 56f, 0.47f),
            "three" => (new float[] { 18, 50, 82 }, 58f, 0.33f),
            "small left" => ([26], 58f, 0.48f),
            "small right" => ([74], 58f, 0.48f),
            "small middle" => ([50], 58f, 0.48f),
            _ => (new float[] { 50 }, 51f, 0.86f),
        };
        var color = Pen.Mix(Palette.Of(hue), pen.Dice.Below(2) == 0 ? SKColors.White : SKColors.Black, pen.Dice.Between(0, 0.1f));
        bool flip = Turns && pen.Dice.Below(2) == 0;
        foreach (float x in xs)
        {
            float size = scale * pen.Dice.Between(0.94f, 1.04f);
            pen.At(x + pen.Dice.Between(-2, 2), y + pen.Dice.Between(-3, 3), flip ? -size : size, size, pen.Dice.Between(-4, 4), p =>
                Paint(p, color));
        }
    }
}

/// <summary>A landscape under some sky, with something more to see on one side.</summary>
internal sealed record LandscapeSubject(string Concept, string Short, string[] Skies, string[] Extras, Action<Pen, string> Paint) : ISubject
{
    private static readonly string[] Sides = ["left", "right"];

    public Scene Create(SceneWorld world, ulong seed)
    {
        var dice = new Dice(seed);
        int skyIndex, extraIndex;
        do
            (skyIndex, extraIndex) = (dice.Below(Skies.Length), dice.Below(Extras.Length));
        while ((((skyIndex * 2) + extraIndex + Concept.Length) % 5 == 0) != (world == SceneWorld.HeldOut));
        string sky = Skies[skyIndex], extra = Extras[extraIndex], side = dice.Of(Sides);
        string[] captions =
        [
            $"{Words.A(Concept)} under {Words.A(sky)}, with {extra} on the {side}",
            $"a photo of {Words.A(Concept)}",
            $"{Words.A(Concept)} under {Words.A(sky)}",
            $"{Words.A(Concept)} with {extra}",
            Words.A(Short),
        ];
        var attributes = new Dictionary<string, string>
        {
            ["sky"] = sky,
            ["extra"] = extra,
            ["side"] = side,
            ["composition"] = $"{Concept}|{sky}|{extra}",
        };
        return new Scene(Concept, [.. captions.Distinct()], attributes, dice.Bits(), pen =>
        {
            bool night = sky.Contains("night", StringComparison.Ordinal);
            pen.Box(0, 0, 100, 100, Pen.Dark(SkyColor(sky), (night ? 0.4f : 0) + pen.Dice.Between(0, 0.08f)), 0);
            if (night)
                Backdrop.Stars(pen);
            Paint(pen, sky);
            pen.At((side == "left" ? 19 : 81) + pen.Dice.Between(-3, 3), pen.Dice.Between(-2, 2), 1, 1, 0, p => Extra(p, extra));
        });
    }

    public static SKColor SkyColor(string sky) => Backdrop.Rgb(sky.Split(' ')[0] switch
    {
        "blue" => 0x7CC4F5,
        "red" => 0xE2483C,
        "orange" => 0xFB9B45,
        "purple" => 0x9566C4,
        "pink" => 0xF9AECB,
        "yellow" => 0xF9DE7E,
        "grey" => 0xA6ADB6,
        "dark" => 0x131B45,
        _ => throw new ArgumentException($"There is no '{sky}'."),
    });

    private static void Extra(Pen pen, string extra)
    {
        switch (extra)
        {
            case "birds":
                for (int i = -1; i < 2; i++)
                    pen.Curve(i == 0 ? "M-6 17 Q-3 13 0 17 Q3 13 6 17" : i < 0 ? "M-15 10 Q-12 6 -9 10 Q-6 6 -3 10"
                        : "M4 8 Q7 4 10 8 Q13 4 16 8", Pen.Ink, 1.8f);
                break;
            case "a white moon":
                pen.Circle(0, 15, 8, SKColors.White, 0);
                break;
            case "a white cloud":
                Backdrop.Cloud(pen, 0, 15, 1.3f);
                break;
            case "a red balloon":
                pen.Line(0, 24, 0, 36, Pen.Ink, 1);
                pen.Ellipse(0, 16, 7, 9, Palette.Of("red"), 1.2f);
                break;
            case "a small cabin":
                pen.Box(-10, 79, 20, 14, Palette.Of("brown"), 1.2f);
                pen.Path("M-13 80 L0 68 L13 80 Z", Palette.Of("red"), 1.2f);
                pen.Box(-2, 85, 5, 8, Palette.Of("yellow"), 1);
                break;
            case "a sailboat":
                pen.Path("M-1 56 L-1 74 L-12 74 Z M2 58 L2 74 L11 74 Z", SKColors.White, 1.2f);
                pen.Path("M-13 76 L13 76 L9 82 L-9 82 Z", Palette.Of("brown"), 1.2f);
                break;
            default:
                throw new ArgumentException($"There is no '{extra}' to add to a landscape.");
        }
    }
}

internal static class Words
{
    /// <summary>The words with the indefinite article before them.</summary>
    public static string A(string words) => ("aeiou".Contains(words[0], StringComparison.Ordinal) ? "an " : "a ") + words;
}
