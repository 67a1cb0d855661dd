using System.Globalization;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Search;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Scenes;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>
/// What is measured, for both `clipbook bench` and tests/Benchmarks: ViT-B/32 with random weights, since the time does not depend on their
/// values, on the project's own pictures and captions. What several workloads need is made once, when it is first asked for.
/// </summary>
internal sealed class Workloads : IDisposable
{
    private const int Width = 640, Height = 480, IndexRows = 100_000, TrainingBatch = 64, TrainingLength = 16;

    private static readonly int[] ImageBatches = [1, 8, 32], TextBatches = [1, 32, 256];

    private static readonly ClipConfig Config = ClipConfig.ViTB32;

    private readonly Lazy<ClipModel> _model = new(RandomModel);
    private readonly Dictionary<Precision, PreparedClip> _prepared = [];
    private readonly Lazy<string> _folder = new(() => Directory.CreateTempSubdirectory("clipbook-bench-").FullName);

    /// <summary>
    /// A JPEG file of 640 × 480 pixels: a drawn scene with noise over it, so that it has a photograph's size (some 100 kB).
    /// </summary>
    internal static byte[] Jpeg()
    {
        var image = SyntheticScenes.Create(SceneWorld.Train, 1).Draw(Width);
        var (dice, pixels) = (new Random(1), image.ToRgbBytes()[..(3 * Width * Height)]);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Clamp(pixels[i] + dice.Next(-12, 13), 0, 255);
        return RasterImage.FromRgb(Width, Height, pixels).ToJpeg();
    }

    /// <summary>All workloads; lessons only if the process runs inside the repository.</summary>
    internal IEnumerable<Workload> All() =>
    [
        .. ImageEncoder(), .. ProductsAlone(), .. MobileImageEncoder(), .. TextEncoder(), Preprocessing(), ExactSearch(), .. TrainingStep(),
        Loading(), .. TheWorkbook(),
    ];

    private IEnumerable<Workload> ImageEncoder() =>
        from batch in ImageBatches
        from form in Forms()
        select new Workload($"image encoder, batch {batch}", form.Name, batch, "images", form.Limit,
            batch * ForwardCost.Image(Config, form.Precision is not null), keep =>
        {
            var pixels = Kept(keep, randn(batch, 3, 224, 224));
            return Forward(form.Precision, model => model.EncodeImage(pixels), prepared => prepared.EncodeImage(pixels));
        });

    /// <summary>
    /// The limit for an encoder of one image: only the products of the image tower's blocks, in float32, with their 340 MB of weights read
    /// from memory. One row takes as long as reading the weights; the rows of a whole image take their arithmetic and a part of the
    /// reading.
    /// </summary>
    private static IEnumerable<Workload> ProductsAlone() => !Tile.IsSupported ? [] :
        from rows in new[] { 1, Config.Vision.Tokens }
        let width = Config.Vision.Width
        let weights = 12.0 * width * width * Config.Vision.Layers
        select new Workload($"products of the image tower's blocks, rows: {rows}", "prepared, float32", 1, "passes",
            rows == 1 ? Limit.Memory : Limit.Float32Products, weights * (rows == 1 ? 4 : 2 * rows), keep =>
        {
            (int Inner, int Columns)[] block = [(width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)];
            return Kept(keep, new PackedProducts(rows, [.. Enumerable.Repeat(block, Config.Vision.Layers)
                .SelectMany(shapes => shapes)])).Run;
        });

    /// <summary>
    /// MobileCLIP2-S0's image tower (OpenCLIP's model_configs/MobileCLIP2-S0.json), made for phones, to compare with ViT-B/32. It computes
    /// convolutions of few channels, which none of the limits measured here bounds.
    /// </summary>
    private static IEnumerable<Workload> MobileImageEncoder() =>
        from form in Forms()
        let vision = TimmArchitecture.All["fastvit_mci0"].Shape with { ImageSize = 256, Projection = ProjectionKind.Affine }
        // The text tower is like any other and is not measured here: one block of it is enough.
        let config = Config with { Vision = vision, Text = Config.Text with { Layers = 1, Causal = false } }
        select new Workload("MobileCLIP2-S0 image encoder, batch 8", form.Name, 8, "images", Limit.None, 0,
            keep => FamilyWorkloads.Run(config, form.Precision, keep, rand(8, 3, 256, 256)))
        { Beside = "image encoder, batch 8" };

    /// <summary>What is not measured on this machine, and why; null if everything is.</summary>
    internal static string? LeftOut => PrecisionProbe.Choose(TorchSharp.DeviceType.CPU).Precision == Precision.BFloat16 ? null
        : "bfloat16 is left out: this processor has no instructions for it, and takes minutes for what it does in seconds in float32.";

    /// <summary>
    /// The plain form has rows of 77 tokens, as openai/CLIP does; prepared bfloat16 has rows as long as the batch's longest caption;
    /// prepared float32 has no padding where the products are this library's own.
    /// </summary>
    private IEnumerable<Workload> TextEncoder() =>
        from batch in TextBatches
        let tokenizer = ClipTokenizer.Load(TinyClip)
        let captions = Enumerable.Range(0, batch).Select(i => SyntheticScenes.Create(SceneWorld.Train, i).Captions[0]).ToArray()
        let cut = tokenizer.Tokenize(captions)
        from form in Forms()
        let rows = form.Precision is null ? tokenizer.Tokenize(captions, padding: Core.Text.Padding.ContextLength) : cut
        let tokens = form.Precision == Precision.Float32 && Tile.IsSupported ? cut.EndOfTextPositions.Average(end => end + 1.0)
            : rows.Length
        select new Workload($"text encoder, batch {batch}",
            string.Create(CultureInfo.InvariantCulture, $"{form.Name}, {tokens:0.#} positions"), batch, "texts", form.Limit,
            batch * ForwardCost.Text(Config, tokens, form.Precision is not null), keep =>
        {
            var ids = Kept(keep, tensor(rows.Ids, [rows.Count, rows.Length]));
            return Forward(form.Precision, model => model.EncodeText(ids), prepared => prepared.EncodeText(ids));
        });

    private static Workload Preprocessing() => new(
        "JPEG 640 × 480 to tensor, one core", "", 1, "images", Limit.Memory, 4.0 * Width * Height + 3 * 4 * 224 * 224, _ =>
    {
        var (jpeg, transform, values) = (Jpeg(), new ClipImageTransform(new ImageTransformConfig()), new float[3 * 224 * 224]);
        return () =>
        {
            using var image = SkiaImageDecoder.Shared.Decode(jpeg, "sample.jpg");
            transform.Apply(image, values);
        };
    });

    private static IEnumerable<Workload> TrainingStep() =>
        from type in LeftOut is null ? [ScalarType.Float32, ScalarType.BFloat16] : new[] { ScalarType.Float32 }
        let mixed = type == ScalarType.BFloat16
        let forward = ForwardCost.Image(Config, pooled: false) + ForwardCost.Text(Config, TrainingLength, pooled: false)
        select new Workload($"training step, batch {TrainingBatch}", mixed ? "mixed, bfloat16" : "plain, float32", TrainingBatch, "pairs",
            mixed ? Limit.BFloat16Products : Limit.Float32Products, 3 * TrainingBatch * forward, keep =>
        {
            var model = Kept(keep, RandomModel());
            var trainer = Kept(keep, new ClipTrainer(model, new TrainerOptions { Steps = int.MaxValue, ComputeType = type }));
            using var scope = NewDisposeScope();
            var ids = randint(1, 400, [TrainingBatch, TrainingLength], int64);
            ids.index_put_(Config.Text.VocabularySize - 1, TensorIndex.Ellipsis, TrainingLength - 1);
            var batch = Kept(keep, new TrainingBatch(randn(TrainingBatch, 3, 224, 224).DetachFromDisposeScope(),
                ids.DetachFromDisposeScope()));
            return () => trainer.TrainStep(batch);
        });

    private Workload Loading() => new("loading a checkpoint of 605 MB", "", 1, "models", Limit.Memory, 4.0 * 151_277_313, _ =>
    {
        string folder = Path.Combine(_folder.Value, "model");
        ClipCheckpoint.SavePretrained(_model.Value, folder);
        return () => ClipCheckpoint.FromPretrained(folder).Dispose();
    });

    private Workload ExactSearch() => new("exact search of 100,000 × 512", "", 1, "queries", Limit.Memory, 4.0 * IndexRows * 512, keep =>
    {
        // The search is by a vector, so the index needs only the model's width.
        var small = new ClipModel(Config with { Vision = Config.Vision with { Layers = 1 }, Text = Config.Text with { Layers = 1 } });
        var encoder = Kept(keep, new ClipEncoder(small,
            new ClipProcessor(new ClipImageTransform(new ImageTransformConfig()), ClipTokenizer.Load(TinyClip))));
        var index = Kept(keep, ImageSearchIndex.Create(Path.Combine(_folder.Value, "index"), encoder));
        var dice = new Random(1);
        foreach (int[] rows in Enumerable.Range(0, IndexRows).Chunk(10_000)) index.AddEmbeddings(
            [.. rows.Select(row => $"{row}.jpg")], Random(rows.Length));
        float[] query = Random(1);
        return () => index.Search(query);

        float[] Random(int rows) => [.. Enumerable.Range(0, rows * 512).Select(_ => dice.NextSingle() - 0.5f)];
    });

    private static IEnumerable<Workload> TheWorkbook() => RepositoryRoot.TryFind() is not { } root ? [] :
        [new("the workbook: lesson 00, in a process of its own", "", 1, "lessons", Limit.None, 0, _ => () =>
            RunLessons([LessonRunner.All(Path.Combine(root, "notebooks")).First()]))];

    /// <summary>Runs lessons as `clipbook run` does.</summary>
    /// <exception cref="UserError">A lesson failed.</exception>
    internal static void RunLessons(IReadOnlyList<string> paths)
    {
        var results = LessonRunner.RunAsync(paths, new RunOptions(), null, null, CancellationToken.None).GetAwaiter().GetResult();
        if (results.FirstOrDefault(result => result.Failures.Count > 0) is { } failed) throw new UserError(
            $"{failed.Path} failed: clipbook run {failed.Name} says where.");
    }

    internal static IEnumerable<(string Name, Precision? Precision, Limit Limit)> Forms()
    {
        yield return ("plain, float32", null, Limit.Float32Products);
        yield return ("prepared, float32", Precision.Float32, Limit.Float32Products);
        if (LeftOut is null) yield return ("prepared, bfloat16", Precision.BFloat16, Limit.BFloat16Products);
    }

    private static string TinyClip => Path.Combine(Lesson.Data, "models", "tiny-clip");

    private Action Forward(Precision? precision, Func<ClipModel, Tensor> plain, Func<PreparedClip, Tensor> prepared)
    {
        var model = _model.Value;
        if (precision is { } chosen && !_prepared.ContainsKey(chosen)) _prepared[chosen] = PreparedClip.Prepare(model, chosen);
        return () =>
        {
            using var _ = inference_mode();
            (precision is { } form ? prepared(_prepared[form]) : plain(model)).Dispose();
        };
    }

    private static ClipModel RandomModel()
    {
        manual_seed(1);
        var model = new ClipModel(Config);
        model.eval();
        return model;
    }

    internal static T Kept<T>(ICollection<IDisposable> keep, T what) where T : IDisposable
    {
        keep.Add(what);
        return what;
    }

    public void Dispose()
    {
        foreach (var prepared in _prepared.Values) prepared.Dispose();
        if (_model.IsValueCreated) _model.Value.Dispose();
        DeleteFiles();
    }

    /// <summary>Deletes the model and the index that were written for measuring, some 800 MB, also while they are in use.</summary>
    internal void DeleteFiles()
    {
        if (_folder.IsValueCreated && Directory.Exists(_folder.Value)) Directory.Delete(_folder.Value, recursive: true);
    }
}
