using System.Text;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// The whole of CLIP as one drawing (section 1 of the document, figure 1 of the paper): the two ways into the shared space, the matrix in
/// which they meet, and what is made of it. The part where the reader is can be marked.
/// </summary>
public sealed class ArchitectureMap : View
{
    private const double Width = 360, Height = 396;
    private const string Accent = "var(--link, #0a58ca)", Everything = "all";

    /// <summary>The parts that can be marked, with their names.</summary>
    private static readonly (string Part, string English, string Korean)[] Names =
    [
        ("image", "the image", "이미지"), ("tokens", "the caption's tokens", "캡션의 토큰"),
        ("vision", "the vision encoder", "비전 인코더"), ("text", "the text encoder", "텍스트 인코더"),
        ("projection", "the projections", "투영"), ("weights", "the weights", "가중치"),
        ("similarity", "the similarity matrix", "유사도 행렬"), ("loss", "the contrastive loss", "대조 손실"),
        ("training", "the training", "학습"), ("classifier", "the classifier", "분류기"), ("search", "the search", "검색"),
        (Everything, "all of it", "전체"),
    ];

    private readonly string[] _here;
    private readonly bool _korean;

    /// <summary>The drawing with a mark.</summary>
    /// <param name="here">
    /// Where the reader is: "image", "vision", "projection", "text", "tokens", "similarity", "loss", "training", "weights", "classifier",
    /// "search"; several with commas between them; "all" for the whole.
    /// </param>
    /// <param name="language">en or ko; by default <see cref="Lesson.Language"/>.</param>
    /// <exception cref="ArgumentException">There is no such part.</exception>
    public ArchitectureMap(string here = Everything, string? language = null)
    {
        ArgumentNullException.ThrowIfNull(here);
        _here = here.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (_here.Length == 0 || _here.FirstOrDefault(part => !Names.Any(name => name.Part == part)) is not null)
            throw new ArgumentException(
                $"\"{here}\" is no part of the drawing; its parts are {string.Join(", ", Names.Select(name => name.Part))}.", nameof(here));
        _korean = (language ?? Lesson.Language) == "ko";
    }

    /// <summary>What the drawing shows, in words.</summary>
    public string Description => In(
        $"The architecture of CLIP: an image (B, 3, R, R) goes through the vision encoder and a projection, the tokens of a caption (B, L) "
        + $"through the text encoder and another, to embeddings (B, E) of length 1; their cosines (B, B) lead to the loss, whose gradients "
        + $"train the weights, to a classifier and to a search. {Here}",
        $"CLIP의 구조: 이미지 (B, 3, R, R)는 비전 인코더와 투영을 지나고, "
        + $"캡션의 토큰 (B, L)은 텍스트 인코더와 또 다른 투영을 지나 길이 1인 임베딩 (B, E)가 됩니다. "
        + $"둘의 코사인 (B, B)에서 손실, 분류기, 검색이 나오고, 손실의 그래디언트가 가중치를 학습시킵니다. {Here}");

    /// <inheritdoc/>
    public override string ToHtml() => ToHtml(_ => null);

    /// <summary>The drawing with links on its parts.</summary>
    /// <param name="address">The address that a part links to; null for none.</param>
    public string ToHtml(Func<string, string?> address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var svg = new StringBuilder($"<svg viewBox=\"0 0 {Markup.At(Width)} {Markup.At(Height)}\" ")
            .Append($"role=\"{(Names.Any(name => address(name.Part) is not null) ? "group" : "img")}\" ")
            .Append($"aria-label=\"{Markup.Escape(Description)}\" ")
            .Append($"style=\"display:block;width:100%;max-width:{Markup.At(1.2 * Width)}px;height:auto;font:13px system-ui,sans-serif\" ")
            .Append("fill=\"currentColor\" text-anchor=\"middle\">");
        Loop(svg, address);
        Frame(svg, address);
        double[] towers = [102, 274];
        foreach (double middle in towers)
        {
            Arrow(svg, middle, 46, 70);
            Arrow(svg, middle, 114, 134);
            Arrow(svg, middle, 174, 200);
            Box(svg, null, address, middle, 200, 148, 28, In("L2 normalize", "L2 정규화"), "(B, E)");
            svg.Append($"<path d=\"M{Markup.At(middle)} 228 V238 H188\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.6\"/>");
        }
        Arrow(svg, 188, 238, 254);
        foreach (double middle in new[] { 76.0, 188, 300 })
        {
            svg.Append($"<path d=\"M188 296 V310 H{Markup.At(middle)}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.6\"/>");
            Arrow(svg, middle, 310, 326);
        }
        Box(svg, "image", address, towers[0], 6, 148, 40, In("Image", "이미지"), "(B, 3, R, R)");
        Box(svg, "tokens", address, towers[1], 6, 148, 40, In("Caption’s tokens", "캡션의 토큰"), "(B, L)");
        Box(svg, "vision", address, towers[0], 70, 148, 44, In("Vision encoder", "비전 인코더"), "ViT, ResNet → (B, D)");
        Box(svg, "text", address, towers[1], 70, 148, 44, In("Text encoder", "텍스트 인코더"), "Transformer → (B, D)");
        Box(svg, "projection", address, towers[0], 134, 148, 40, In("Image projection", "이미지 투영"), "D → E");
        Box(svg, "projection", address, towers[1], 134, 148, 40, In("Text projection", "텍스트 투영"), "D → E");
        Box(svg, "similarity", address, 188, 254, 230, 42, In("Cosine similarity", "코사인 유사도"),
            "(B, E) · (B, E)ᵀ → (B, B)");
        Box(svg, "loss", address, 76, 326, 104, 44, In("Loss", "손실"), In("what is a pair", "어느 쌍이 짝인가"));
        Box(svg, "classifier", address, 188, 326, 104, 44, In("Classifier", "분류기"), In("which name fits", "어느 이름인가"));
        Box(svg, "search", address, 300, 326, 104, 44, In("Search", "검색"), In("which is nearest", "무엇이 가까운가"));
        string caption = _here is [Everything] ? "" : "<figcaption style=\"font-size:0.85em;margin:0.4em 0 0\">"
            + $"<span style=\"color:{Accent}\" aria-hidden=\"true\">◆</span> {Markup.Escape(Here)}</figcaption>";
        return $"<figure style=\"margin:0.5em 0\">{svg.Append("</svg>")}{caption}</figure>";
    }

    /// <inheritdoc/>
    public override string ToText() => string.Join(Environment.NewLine, In<string[]>(
        [
            "image (B, 3, R, R) → vision encoder → (B, D) → projection → L2 normalize → (B, E) ┐",
            "tokens (B, L)      → text encoder   → (B, D) → projection → L2 normalize → (B, E) ┴→ cosine similarity (B, B)",
            "cosine similarity  → loss (its gradients train the weights) · classifier · search",
        ],
        [
            "이미지 (B, 3, R, R) → 비전 인코더   → (B, D) → 투영 → L2 정규화 → (B, E) ┐",
            "토큰 (B, L)         → 텍스트 인코더 → (B, D) → 투영 → L2 정규화 → (B, E) ┴→ 코사인 유사도 (B, B)",
            "코사인 유사도       → 손실(그래디언트가 가중치를 학습) · 분류기 · 검색",
        ]).Append(Here));

    private string Here
    {
        get
        {
            var names = Names.Where(name => _here.Contains(name.Part)).Select(name => In(name.English, name.Korean));
            return In($"You are here: {string.Join(", ", names)}.", $"지금 여기: {string.Join(", ", names)}.");
        }
    }

    private T In<T>(T english, T korean) => _korean ? korean : english;

    private bool Marked(string? part) => part is not null && _here.Contains(part);

    /// <summary>The weights: a frame around what is learned.</summary>
    private void Frame(StringBuilder svg, Func<string, string?> address)
    {
        const double X = 22, Y = 62, W = 332, H = 120;
        bool marked = Marked("weights");
        string frame = $"<rect x=\"{X}\" y=\"{Y}\" width=\"{W}\" height=\"{H}\" rx=\"8\" stroke-dasharray=\"5 4\" {Ink(marked)}/>"
            + Sideways(188, Y + (H / 2), In("weights", "가중치"), marked);
        svg.Append(Linked(address("weights"), frame));
        if (marked) Pin(svg, X + W - 12, Y);
    }

    /// <summary>The training: from the loss back to the weights.</summary>
    private void Loop(StringBuilder svg, Func<string, string?> address)
    {
        bool marked = Marked("training");
        string ink = marked ? $"stroke=\"{Accent}\" stroke-width=\"3\"" : "stroke=\"currentColor\" stroke-opacity=\"0.6\"";
        string loop = $"<path d=\"M24 348 H17 V122 H22\" stroke-dasharray=\"2 3\" fill=\"none\" {ink}/>"
            + $"<path d=\"M22 122 l-7 -4 v8 z\"{(marked ? $" fill=\"{Accent}\"" : " fill-opacity=\"0.6\"")}/>"
            + Sideways(7, 240, In("gradients: training", "그래디언트: 학습"), marked);
        svg.Append(Linked(address("training"), loop));
        if (marked) Pin(svg, 17, 348);
    }

    private void Box(StringBuilder svg, string? part, Func<string, string?> address, double middle, double top, double width,
        double height, string name, string shape)
    {
        bool marked = Marked(part);
        string at = Markup.At(middle), box = $"<rect x=\"{Markup.At(middle - (width / 2))}\" y=\"{Markup.At(top)}\" "
            + $"width=\"{Markup.At(width)}\" height=\"{Markup.At(height)}\" rx=\"6\" {Ink(marked)}/>";
        // A box of one line has its shape beside its name.
        string text = height < 36
            ? $"<text x=\"{at}\" y=\"{Markup.At(top + (height / 2) + 4.5)}\">{Markup.Escape(name)} {Markup.Escape(shape)}</text>"
            : $"<text x=\"{at}\" y=\"{Markup.At(top + (height / 2) - 3)}\" font-weight=\"{(marked ? 700 : 600)}\">"
                + $"{Markup.Escape(name)}</text><text x=\"{at}\" y=\"{Markup.At(top + (height / 2) + 13)}\" "
                + $"font-size=\"11.5\">{Markup.Escape(shape)}</text>";
        svg.Append(Linked(part is null ? null : address(part), box + text));
        if (marked) Pin(svg, middle + (width / 2) - 10, top);
    }

    /// <summary>The style of a line. A marked one is thick and filled too, so that the mark does not depend on colour alone.</summary>
    private static string Ink(bool marked) => marked
        ? $"stroke=\"{Accent}\" stroke-width=\"3\" fill=\"{Accent}\" fill-opacity=\"0.14\""
        : "stroke=\"currentColor\" stroke-opacity=\"0.6\" fill=\"transparent\"";

    private static string Sideways(double x, double y, string text, bool marked) =>
        $"<text transform=\"translate({Markup.At(x)} {Markup.At(y)}) rotate(-90)\" font-size=\"11.5\" dominant-baseline=\"middle\" "
        + $"font-weight=\"{(marked ? 700 : 400)}\">{Markup.Escape(text)}</text>";

    private static string Linked(string? address, string drawn) =>
        address is null ? drawn : $"<a href=\"{Markup.Escape(address)}\">{drawn}</a>";

    private static void Arrow(StringBuilder svg, double x, double from, double to) =>
        svg.Append($"<path d=\"M{Markup.At(x)} {Markup.At(from)} V{Markup.At(to - 6)}\" stroke=\"currentColor\" stroke-opacity=\"0.6\"/>")
            .Append($"<path d=\"M{Markup.At(x)} {Markup.At(to)} l-4 -7 h8 z\" fill-opacity=\"0.6\"/>");

    /// <summary>The pin of "you are here", its point at the place.</summary>
    private static void Pin(StringBuilder svg, double x, double y) =>
        svg.Append($"<path d=\"M{Markup.At(x)} {Markup.At(y + 4)} l-6.2 -10.5 a7.2 7.2 0 1 1 12.4 0 z\" ")
            .Append($"fill=\"{Accent}\" stroke=\"#fff\"/>")
            .Append($"<circle cx=\"{Markup.At(x)}\" cy=\"{Markup.At(y - 10)}\" r=\"2.4\" fill=\"#fff\"/>");
}
