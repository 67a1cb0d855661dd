using System.Globalization;
using System.Text;
using ClipNotebooks.Core.Images;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Pictures and captions on one map: their embeddings projected on the two directions in which all of them together vary most (principal
/// components). Pictures are thumbnails, captions diamonds; a line joins each pair. One unit is as long across as upwards, so that
/// distances may be compared. The map is turned so that the pictures lie to the left of the captions.
/// </summary>
public sealed class EmbeddingMap : View
{
    private const double Width = 720, Margin = 34, Thumbnail = 32, LeastHeight = 200, MostHeight = 640;
    private const int Columns = 64, Rows = 18;
    private const string ImageColor = "#3b82c4", TextColor = "#d1495b";

    private readonly IReadOnlyList<RasterImage> _pictures;
    private readonly IReadOnlyList<string> _names, _captions;
    private readonly (double X, double Y)[] _images, _texts;
    private readonly string _title;

    /// <summary>Projects the embeddings; the tensors stay the caller's.</summary>
    /// <param name="imageEmbeddings">(N, E), N at least 1, E at least 2.</param>
    /// <param name="textEmbeddings">
    /// (M, E), M at least 1, and N + M at least 3. With as many captions as pictures, picture i and caption i are a pair.
    /// </param>
    /// <param name="pictures">N pictures.</param>
    /// <param name="captions">M captions.</param>
    /// <param name="title">What is shown.</param>
    /// <param name="names">N names of the pictures, for tooltips; "image 1" and so on by default.</param>
    /// <exception cref="ArgumentException">
    /// The shapes do not fit each other, the pictures or the captions, or a value is not finite.
    /// </exception>
    public EmbeddingMap(
        Tensor imageEmbeddings, Tensor textEmbeddings, IReadOnlyList<RasterImage> pictures, IReadOnlyList<string> captions, string title,
        IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(imageEmbeddings);
        ArgumentNullException.ThrowIfNull(textEmbeddings);
        ArgumentNullException.ThrowIfNull(pictures);
        ArgumentNullException.ThrowIfNull(captions);
        names ??= [.. Enumerable.Range(1, pictures.Count).Select(i => Lesson.In($"image {i}", $"이미지 {i}"))];
        if (imageEmbeddings.dim() != 2 || textEmbeddings.dim() != 2 || imageEmbeddings.shape[1] != textEmbeddings.shape[1]
            || imageEmbeddings.shape[1] < 2)
            throw new ArgumentException($"\"{title}\": the embeddings are ({string.Join(", ", imageEmbeddings.shape)}) and " +
                $"({string.Join(", ", textEmbeddings.shape)}); (N, E) and (M, E), E at least 2, are needed.", nameof(textEmbeddings));
        if (imageEmbeddings.shape[0] != pictures.Count || names.Count != pictures.Count || textEmbeddings.shape[0] != captions.Count)
            throw new ArgumentException($"\"{title}\" has {imageEmbeddings.shape[0]} embeddings of pictures for {pictures.Count} " +
                $"pictures with {names.Count} names, and {textEmbeddings.shape[0]} of captions for {captions.Count} captions.",
                nameof(pictures));
        if (pictures.Count == 0 || captions.Count == 0 || pictures.Count + captions.Count < 3)
            throw new ArgumentException($"\"{title}\" has {pictures.Count} pictures and {captions.Count} captions; a map needs one of " +
                $"each and three in all.", nameof(pictures));
        (_title, _pictures, _names, _captions) = (title ?? "", [.. pictures], [.. names], [.. captions]);

        using var scope = NewDisposeScope();
        var all = cat([imageEmbeddings.detach().cpu().to(float64), textEmbeddings.detach().cpu().to(float64)], 0);  // (N + M, E)
        if (!all.isfinite().all().ToBoolean()) throw new ArgumentException(
            $"\"{title}\": an embedding is not finite.", nameof(imageEmbeddings));
        var (u, s, _) = linalg.svd(all - all.mean([0]), fullMatrices: false);
        double[] lengths = s.data<double>().ToArray();
        double[] plane = (u.narrow(1, 0, 2) * s.narrow(0, 0, 2)).contiguous().data<double>().ToArray();             // (N + M, 2)
        double total = Math.Max(double.Epsilon, lengths.Sum(length => length * length));
        Shares = (lengths[0] * lengths[0] / total, lengths[1] * lengths[1] / total);
        Gap = (imageEmbeddings.detach().cpu().to(float64).mean([0]) - textEmbeddings.detach().cpu().to(float64).mean([0])).norm()
            .ToDouble();

        // A component's sign is arbitrary: pictures go to the left, and the point that is farthest from the middle upwards.
        double[] x = [.. plane.Where((_, i) => i % 2 == 0)], y = [.. plane.Where((_, i) => i % 2 == 1)];
        double right = x.Take(pictures.Count).Average() > x.Skip(pictures.Count).Average() ? -1 : 1, up = y.MaxBy(Math.Abs) < 0 ? -1 : 1;
        (double, double)[] points = [.. x.Zip(y, (a, b) => (right * a, up * b))];
        (_images, _texts) = (points[..pictures.Count], points[pictures.Count..]);
    }

    /// <summary>The shares of the whole variance that lie along the map's two axes, 0 to 1: what the map leaves out is the rest.</summary>
    public (double First, double Second) Shares { get; }

    /// <summary>
    /// The distance between the mean of the pictures' embeddings and that of the captions', in the space of the embeddings.
    /// </summary>
    public double Gap { get; }

    /// <summary>Where the pictures lie on the map, in the unit of the embeddings; the middle of all points is (0, 0).</summary>
    public IReadOnlyList<(double X, double Y)> Images => _images;

    /// <summary>Where the captions lie.</summary>
    public IReadOnlyList<(double X, double Y)> Texts => _texts;

    /// <summary>What the map shows, in words.</summary>
    public string Description
    {
        get
        {
            var (image, text) = (_images.Average(p => p.X), _texts.Average(p => p.X));
            string sides = _images.Max(p => p.X) < _texts.Min(p => p.X)
                ? Lesson.In("all pictures lie to the left of all captions", "모든 그림이 모든 캡션의 왼쪽에 있습니다")
                : Lesson.In("pictures and captions overlap from left to right", "그림과 캡션이 가로로 겹칩니다");
            string x = Two(image), t = Two(text), gap = Two(Gap), shown = Whole(Shares.First + Shares.Second), across = Whole(Shares.First);
            return Lesson.In(
                $"{_title}: {_images.Length} pictures, on average at {x} across, and {_texts.Length} captions, at {t}; {sides}. "
                + $"The map shows {shown} % of the variance, {across} % across. The two means are {gap} apart.",
                $"{_title}: 그림 {_images.Length}개는 가로로 평균 {x}, 캡션 {_texts.Length}개는 {t}에 있고, {sides}. "
                + $"지도는 분산의 {shown} %를 보여 주고, 가로가 {across} %입니다. 두 평균 사이의 거리는 {gap}입니다.");
        }
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        var all = _images.Concat(_texts).ToList();
        var (left, bottom, across, upward) = (all.Min(p => p.X), all.Min(p => p.Y), Span(all.Select(p => p.X)), Span(all.Select(p => p.Y)));
        double scale = Math.Min((Width - (2 * Margin)) / across, (MostHeight - (2 * Margin)) / upward),
            height = Math.Max(LeastHeight, (scale * upward) + (2 * Margin));
        double spareX = (Width - (scale * across)) / 2, spareY = (height - (scale * upward)) / 2;
        string X(double x) => Markup.At(spareX + (scale * (x - left)));
        string Y(double y) => Markup.At(height - spareY - (scale * (y - bottom)));

        var svg = new StringBuilder($"<figure style=\"margin:0.5em 0\"><figcaption style=\"font-weight:600;margin:0 0 " +
            $"0.2em\">{Markup.Escape(_title)}</figcaption>")
            .Append("<div style=\"font-size:0.85em;margin:0 0 0.4em\">")
            .Append($"<span style=\"border:2px solid {ImageColor};border-radius:3px;padding:0 0.4em\">{Lesson.In("pictures", "그림")}")
            .Append($"</span> {Lesson.In("and", "및")} <span style=\"color:{TextColor}\" aria-hidden=\"true\">◆</span> ")
            .Append(Lesson.In("captions", "캡션"))
            .Append(_images.Length == _texts.Length ? Lesson.In(", pairs joined by lines", ", 짝은 선으로 이음") : "")
            .Append(Lesson.In("; point at one to read it</div>", ". 가리키면 읽을 수 있습니다</div>"))
            .Append($"<svg viewBox=\"0 0 {Markup.At(Width)} {Markup.At(height)}\" role=\"img\" " +
                $"aria-label=\"{Markup.Escape(Description)}\" style=\"width:100%;max-width:{Markup.At(Width)}px;height:auto\" " +
                $"fill=\"currentColor\">")
            .Append($"<rect x=\"0.5\" y=\"0.5\" width=\"{Markup.At(Width - 1)}\" height=\"{Markup.At(height - 1)}\" rx=\"6\" " +
                $"fill=\"none\" stroke=\"currentColor\" stroke-opacity=\"0.25\"/>");
        if (_images.Length == _texts.Length)
            foreach (var (image, text) in _images.Zip(_texts))
                svg.Append($"<line x1=\"{X(image.X)}\" y1=\"{Y(image.Y)}\" x2=\"{X(text.X)}\" y2=\"{Y(text.Y)}\" stroke=\"currentColor\" " +
                    $"stroke-opacity=\"0.22\"/>");
        foreach (var (point, i) in _images.Select((point, i) => (point, i)))
            svg.Append($"<g transform=\"translate({X(point.X)} " +
                $"{Y(point.Y)})\"><title>{Markup.Escape(_names[i])}</title>{Picture(_pictures[i])}</g>");
        foreach (var (point, i) in _texts.Select((point, i) => (point, i)))
            svg.Append($"<path transform=\"translate({X(point.X)} {Y(point.Y)})\" d=\"M0 -7 L7 0 L0 7 L-7 0 Z\" fill=\"{TextColor}\" " +
                $"stroke=\"#fff\"><title>{Markup.Escape(_captions[i])}</title></path>");
        string axes = Lesson.In(
            $"across: the first component ({Whole(Shares.First)} % of the variance); upwards: the second ({Whole(Shares.Second)} %)",
            $"가로: 첫째 성분(분산의 {Whole(Shares.First)} %), 세로: 둘째 성분({Whole(Shares.Second)} %)");
        return svg.Append($"</svg><div style=\"font-size:0.85em\">{axes}</div></figure>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        var all = _images.Concat(_texts).ToList();
        var (left, top, across, upward) = (all.Min(p => p.X), all.Max(p => p.Y), Span(all.Select(p => p.X)), Span(all.Select(p => p.Y)));
        char[][] map = [.. Enumerable.Range(0, Rows).Select(_ => new string(' ', Columns).ToCharArray())];
        foreach (var (point, sign) in _images.Select(p => (p, 'o')).Concat(_texts.Select(p => (p, '+'))))
        {
            ref char at = ref map[(int)Math.Round((Rows - 1) * (top - point.Y) / upward)][(int)Math.Round(
                (Columns - 1) * (point.X - left) / across)];
            at = at == ' ' || at == sign ? sign : '*';
        }
        string signs = Lesson.In("o picture, + caption, * both", "o 그림, + 캡션, * 둘 다");
        return string.Join(Environment.NewLine, [Description, signs, .. map.Select(row => new string(row).TrimEnd())]).TrimEnd();
    }

    private static string Picture(RasterImage image)
    {
        string at = Markup.At(-Thumbnail / 2), side = Markup.At(Thumbnail);
        return $"<image href=\"{Plotting.Pictures.Shown(image, (int)(2 * Thumbnail))}\" x=\"{at}\" y=\"{at}\" "
            + $"width=\"{side}\" height=\"{side}\" preserveAspectRatio=\"xMidYMid slice\"/>"
            + $"<rect x=\"{at}\" y=\"{at}\" width=\"{side}\" height=\"{side}\" rx=\"3\" fill=\"none\" stroke=\"{ImageColor}\" " +
                $"stroke-width=\"2\"/>";
    }

    private static string Two(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    private static string Whole(double share) => (100 * share).ToString("F0", CultureInfo.InvariantCulture);

    private static double Span(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return Math.Max(1e-9, all.Max() - all.Min());
    }
}
