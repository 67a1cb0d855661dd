namespace ClipNotebooks.Workbook.Scenes;

/// <summary>One to three shapes of one colour in a relation to a shape of another.</summary>
internal sealed class ShapesSubject : ISubject
{
    private static readonly string[] Colors = ["red", "orange", "yellow", "green", "blue", "purple", "pink"];
    private static readonly string[] Kinds = ["circle", "square", "triangle", "star"];
    private static readonly string[] Relations = ["above", "below", "left of", "right of", "on"];
    private static readonly string[] Backgrounds = ["white", "black", "grey"];
    private static readonly string[] Counts = ["one", "two", "three"];

    public string Concept => "geometric shapes";

    public Scene Create(SceneWorld world, ulong seed)
    {
        var dice = new Dice(seed);
        int firstColor, secondColor, first, second, relation;
        do
        {
            (firstColor, secondColor, relation) = (dice.Below(Colors.Length), dice.Below(Colors.Length), dice.Below(Relations.Length));
            (first, second) = (dice.Below(Kinds.Length), dice.Below(Kinds.Length));
        }
        while (firstColor == secondColor || ((firstColor + (2 * secondColor) + first + (3 * second) +
            relation) % 5 == 0) != (world == SceneWorld.HeldOut));
        int count = dice.Below(3) + 1;
        return Compose(count, $"{Colors[firstColor]} {Kinds[first]}", Relations[relation], $"{Colors[secondColor]} {Kinds[second]}",
            dice.Of(Backgrounds), dice.Bits());
    }

    private Scene Compose(int count, string first, string relation, string second, string background, ulong seed)
    {
        string some = count == 1 ? Words.A(first) : $"{Counts[count - 1]} {first}s";
        string other = Words.A(second), ground = Words.A($"{background} background");
        string back = relation switch { "above" => "below", "below" => "above", "left of" => "right of", "right of" => "left of", _ =>
            "under" };
        string[] captions =
        [
            $"{some} {relation} {other}, on {ground}",
            $"{some} {relation} {other}",
            $"{other} {back} {some}",
            $"{some} and {other}",
            "a picture of geometric shapes",
        ];
        var attributes = new Dictionary<string, string>
        {
            ["count"] = Counts[count - 1],
            ["first"] = first,
            ["relation"] = relation,
            ["second"] = second,
            ["background"] = background,
            ["composition"] = $"{first}|{relation}|{second}",
        };
        return new Scene(Concept, captions, attributes, seed, pen => Draw(pen, count, first, relation, second, background));
    }

    private static void Draw(Pen pen, int count, string first, string relation, string second, string background)
    {
        pen.Box(0, 0, 100, 100, Palette.Of(background), 0);
        float jitter = pen.Dice.Between(-3, 3);
        bool sideways = relation is "left of" or "right of";
        (float x, float y) = relation switch { "above" => (50, 72), "below" => (50, 28), "left of" => (73, 50), "right of" => (27, 50), _ =>
            (50f, 50f) };
        Shape(pen, second, x + jitter, y, relation == "on" ? 42 : 22);
        for (int i = 0; i < count; i++)
        {
            float offset = (i - ((count - 1) / 2f)) * (relation == "on" ? 18 : 30);
            float radius = relation == "on" ? (count == 1 ? 16 : 8) : count == 1 ? 19 : 13;
            Shape(pen, first, sideways ? 100 - x + jitter : 50 + offset + jitter, sideways ? 50 + offset : relation == "on" ? 53 : 100 - y,
                radius);
        }
    }

    private static void Shape(Pen pen, string words, float x, float y, float radius)
    {
        string[] parts = words.Split(' ');
        var color = Palette.Of(parts[0]);
        pen.At(x, y, radius / 50, radius / 50, 0, p =>
        {
            switch (parts[1])
            {
                case "circle": p.Circle(0, 0, 50, color, 3); break;
                case "square": p.Box(-46, -46, 92, 92, color, 3); break;
                case "triangle": p.Path("M0 -50 L50 42 L-50 42 Z", color, 3); break;
                default: p.Path("M0 -54 L14 -17 L52 -17 L22 7 L33 46 L0 22 L-33 46 L-22 7 L-52 -17 L-14 -17 Z", color, 3); break;
            }
        });
    }
}
