using System.Globalization;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Plotting;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A recorded training run that the reader moves through by hand: at every recorded step the cosines of held-out pairs, the loss, the
/// temperature, and both towers' embeddings on a map; several runs stand side by side. Its still form has the last step of each run in
/// numbers.
/// </summary>
public sealed class TrainingFilm : Interactive
{
    private readonly string[] _pictures, _captions;
    private readonly List<Run> _runs = [];

    /// <summary>An empty film of these pairs.</summary>
    /// <param name="images">N pictures, two or more.</param>
    /// <param name="captions">N sentences.</param>
    /// <exception cref="ArgumentException">There are not as many of both, or fewer than two.</exception>
    public TrainingFilm(IReadOnlyList<RasterImage> images, IReadOnlyList<string> captions)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(captions);
        if (images.Count != captions.Count
            || images.Count < 2) throw new ArgumentException(
            $"There are {images.Count} pictures and {captions.Count} captions; as many of both are needed, two or more.", nameof(captions));
        (_pictures, _captions) = ([.. images.Select(image => Pictures.Shown(image, 64))], [.. captions]);
    }

    /// <summary>Records one step of a run; the tensors stay the caller's.</summary>
    /// <param name="run">The run's name; its steps are recorded in rising order.</param>
    /// <param name="step">How many steps were trained.</param>
    /// <param name="loss">The loss, by the run's own measure.</param>
    /// <param name="temperature">τ, the temperature that the run has learned so far.</param>
    /// <param name="images">(N, E), the held-out pictures; rows of any length.</param>
    /// <param name="texts">(N, E), their captions.</param>
    /// <exception cref="ArgumentException">The embeddings are not those of N pairs, or the run has diverged.</exception>
    public void Record(string run, long step, double loss, double temperature, Tensor images, Tensor texts)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(texts);
        if (images.dim() != 2 || images.shape[0] != _captions.Length || !images.shape.AsSpan().SequenceEqual(texts.shape))
            throw new ArgumentException(
                $"The film has {_captions.Length} pairs; the pictures are ({string.Join(", ", images.shape)}), the captions "
                + $"({string.Join(", ", texts.shape)}).", nameof(images));
        if (!double.IsFinite(loss) || !double.IsFinite(temperature)) throw new ArgumentException(
            $"\"{run}\" has diverged: after step {step} its loss is {loss}, its temperature {temperature}. A smaller learning rate, or a " +
            "longer warm-up, keeps it from that.", nameof(loss));
        using var scope = NewDisposeScope();
        Tensor Unit(Tensor x) => nn.functional.normalize(x.detach().cpu().to(float32), p: 2, dim: 1);
        var (x, t) = (Unit(images), Unit(texts));                                           // (N, E) each
        if (_runs.Find(known => known.Name == run) is not { } into) _runs.Add(into = new(run));
        into.Steps.Add(new(step, loss, temperature, [.. x.data<float>()], [.. t.data<float>()], (int)x.shape[1]));
    }

    private protected override string Script => "training";

    private protected override object Content => new
    {
        Pictures = _pictures,
        Captions = _captions,
        Runs = _runs.Select(run =>
        {
            var pages = run.Steps.Select(Measure).ToArray();
            return new
            {
                run.Name,
                Steps = run.Steps.Select(step => step.Number),
                Losses = run.Steps.Select(step => Math.Round(step.Loss, 4)),
                Temperatures = run.Steps.Select(step => Math.Round(step.Temperature, 5)),
                Alike = pages.Select(page => page.Alike),
                Found = pages.Select(page => page.Found),
                Cosines = pages.Select(page => page.Cosines),
                Map = Map(run.Steps),
            };
        }),
    };

    /// <inheritdoc/>
    public override string ToText() => Markup.Columns(Summary(), rightFrom: 1);

    private protected override string Still() => Markup.Scrolling(Markup.Table(Summary(), rightFrom: 1));

    /// <summary>A header, and the last step of each run.</summary>
    private string[][] Summary() => [Lesson.In<string[]>(
        ["run", "step", "loss", "τ", "found", "own pairs", "others", "pictures", "captions"],
        ["실행", "단계", "손실", "τ", "찾음", "자기 쌍", "다른 쌍", "그림끼리", "캡션끼리"]), .. _runs.Select(Ending)];

    /// <summary>The last step of a run; the last four values are mean cosines.</summary>
    private string[] Ending(Run run)
    {
        var (last, (_, found, alike)) = (run.Steps[^1], Measure(run.Steps[^1]));
        string Cosine(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
        return
        [
            run.Name, $"{last.Number}", Markup.Number(last.Loss), Markup.Number(last.Temperature), $"{found} / {_captions.Length}",
            Cosine(alike[3]), Cosine(alike[2]), Cosine(alike[0]), Cosine(alike[1]),
        ];
    }

    /// <summary>
    /// Cosines (N, N); how many pictures find their caption; and mean cosines: of different pictures, of different captions, of a picture
    /// and another's caption, of a pair.
    /// </summary>
    private (double[][] Cosines, int Found, double[] Alike) Measure(Step step)
    {
        int N = _captions.Length, E = step.Width;
        double[][] Products(float[] a, float[] b) =>
            [.. Enumerable.Range(0, N)
            .Select(i => Enumerable.Range(0, N)
            .Select(j => Math.Round(Enumerable.Range(0, E).Sum(k => (double)a[(i * E) + k] * b[(j * E) + k]), 3)).ToArray())];
        double Apart(double[][] m) => Math.Round((m.Sum(row => row.Sum()) - m.Select((row, i) => row[i]).Sum()) / (N * (N - 1)), 3);
        var cosines = Products(step.Images, step.Texts);
        return (cosines, cosines.Index().Count(row => row.Item[row.Index] == row.Item.Max()),
            [Apart(Products(step.Images, step.Images)), Apart(Products(step.Texts, step.Texts)), Apart(cosines),
            Math.Round(cosines.Select((row, i) => row[i]).Average(), 3)]);
    }

    /// <summary>
    /// All embeddings of a run, projected on the two directions in which they vary most over all its steps, so that the map stays the same
    /// while the points move; for each step (2N, 2).
    /// </summary>
    private double[][][] Map(List<Step> steps)
    {
        using var scope = NewDisposeScope();
        // (2NS, E)
        var all = tensor(steps.SelectMany(step => step.Images.Concat(step.Texts)).ToArray(),
            [steps.Count * 2 * _captions.Length, steps[0].Width]).to(float64);
        var centred = all - all.mean([0]);
        var (_, _, directions) = linalg.svd(centred, fullMatrices: false);                  // (E, E)
        double[] points = [.. centred.mm(directions[..2].t()).contiguous().data<double>()];  // (2NS, 2)
        return [.. points.Select(v => Math.Round(v, 3)).Chunk(2).Chunk(2 * _captions.Length)];
    }

    private sealed record Step(long Number, double Loss, double Temperature, float[] Images, float[] Texts, int Width);

    private sealed record Run(string Name)
    {
        public List<Step> Steps { get; } = [];
    }
}
