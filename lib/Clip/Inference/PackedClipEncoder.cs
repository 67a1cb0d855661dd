using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// A CLIP with CLIP's own towers, in float32 on the processor, read from safetensors straight into the prepared form: libtorch is not
/// loaded. Its embeddings are those of <see cref="PreparedClip"/> in float32. <see cref="ClipEncoder.ForInference"/> opens it.
/// </summary>
internal sealed class PackedClipEncoder : IClipEncoder
{
    private readonly string _folder, _files;
    private readonly ClipConfig _config;
    private readonly IReadOnlyList<KeyValuePair<string, long[]>> _shapes;
    private readonly float _scale;
    private readonly PackedImageTower _image;
    private readonly PackedTextTower _text;
    private readonly RowEncoder _rows;
    private readonly Lazy<(string Name, long[] Shape, long Wrong)?> _damaged;
    private readonly UseGate _calls;

    private PackedClipEncoder(string folder, string files, ClipConfig config, ClipProcessor processor, Parts parts)
    {
        (_folder, _files, _config, Processor) = (folder, files, config, processor);
        (_image, _text, _scale, _shapes) = (parts.Image!, parts.Text!, parts.Scale, parts.Shapes);
        _damaged = new(Damaged, LazyThreadSafetyMode.PublicationOnly);
        _calls = new UseGate(this, parts.Dispose);
        _rows = new RowEncoder(_calls, processor, Images, Texts, Explain);
    }

    /// <summary>What multiplies.</summary>
    internal static string Products => $"this library, for {Tile.Instructions}";

    public ClipProcessor Processor { get; }

    public required string? Source { get; init; }

    public required string? SourceStamp { get; init; }

    public int Width => _image.Width;

    public double Scale
    {
        get
        {
            using var use = _calls.Enter();
            double scale = MathF.Exp(_scale);
            return double.IsFinite(scale) ? scale : throw Explain($"has the scale {scale}", pixelsAreWrong: false);
        }
    }

    public double Bias
    {
        get
        {
            using var use = _calls.Enter();
            return 0;
        }
    }

    public bool IsSigmoid => false;

    /// <summary>Opens a model; null where it has other towers, other files than safetensors, or files that do not fit each other.</summary>
    /// <param name="idOrFolder">A folder, or a Hub id.</param>
    /// <param name="problem">What does not fit.</param>
    /// <exception cref="FileNotFoundException">There is no model.</exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="CheckpointException">The configuration is damaged, or the file of weights is.</exception>
    /// <exception cref="InvalidDataException">A file of the tokenizer or of the image transform is.</exception>
    internal static PackedClipEncoder? TryOpen(string idOrFolder, out Exception? problem)
    {
        problem = null;
        string folder = HuggingFaceHub.Resolve(idOrFolder), whole = Path.GetFullPath(folder);
        string? stamp = FolderStamp.Of(folder, "");
        var found = CheckpointFolder.Find(folder);
        bool isSafe = found.Weights.EndsWith(".safetensors", StringComparison.Ordinal)
            || found.Weights.EndsWith(".safetensors.index.json", StringComparison.Ordinal);
        if (!isSafe || found.Read() is not { } config || !IsSupported(config)) return null;
        var parts = new Parts();
        try
        {
            config.Validate();
            using var weights = found.Open();
            string files = Stamp(weights);
            // The sizes that openai/CLIP's archives note are compared where the model is opened with libtorch.
            if (weights.Names.Any(name => ParameterNames.IsIgnored(name) && !ModelNames.IsElsewhere(config, name))) return null;
            parts.Read(weights, Names(weights, config), config);
            var processor = ClipProcessor.FromPretrained(folder, config.Text.ContextLength, config.Vision.ImageSize);
            if (processor.Transform.Config.Patches is null)
                return new PackedClipEncoder(whole, files, config, processor, parts) { Source = idOrFolder, SourceStamp = stamp };
        }
        catch (Exception exception) when (exception is CheckpointException or ArgumentException or OverflowException)
        {
            problem = exception; // files that do not fit each other: whoever opens them with libtorch says in which tensors
        }
        catch
        {
            parts.Dispose();
            throw;
        }
        parts.Dispose();
        return null;
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The model's files have changed since it was opened.</exception>
    public string Fingerprint()
    {
        using var use = _calls.Enter();
        using var file = OpenAgain();
        var weights = new FileWeights(file, Names(file, _config), "");
        return ModelFingerprint.Of(Processor, hash =>
        {
            foreach (var (name, shape) in _shapes.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                WeightFingerprint.Append(hash, name, shape, weights.Read(name, shape));
        });
    }

    public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null) =>
        _rows.EmbedImages(images, names);

    public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null) =>
        _rows.EmbedPixels(pixels, names);

    public float[][] EmbedTexts(IReadOnlyList<string> texts) => _rows.EmbedTexts(texts);

    /// <summary>Frees the weights, once the calls in progress have finished.</summary>
    public void Dispose() => _calls.Close();

    /// <exception cref="ArgumentException">The file's names are no CLIP's, or another family's.</exception>
    private static Func<string, ParameterSource> Names(IWeightFile file, ClipConfig config) =>
        ModelNames.In(file, ModelNames.Of(config, ParameterNames.Detect(file.Names) ?? throw new ArgumentException("No CLIP's names.")));

    private static bool IsSupported(ClipConfig config) => config is { IsSigmoid: false, HasListedScale: false, Vision.IsTransformer: true }
        && config.Vision.IsClips && config.Text.IsClips
        && PackedTransformer.IsSupported(config.VisionBlock) && PackedTransformer.IsSupported(config.TextBlock);

    private float[][] Images(IReadOnlyList<float[]> pixels)
    {
        int side = Processor.Transform.Config.Size;
        GCHandle[] pinned = [.. pixels.Select(image => GCHandle.Alloc(image, GCHandleType.Pinned))];
        try
        {
            return [.. _image.Encode([.. pinned.Select(image => image.AddrOfPinnedObject())], side, side).Chunk(Width)];
        }
        finally
        {
            foreach (var image in pinned) image.Free();
        }
    }

    private float[][] Texts(TokenBatch tokens, int[] rows)
    {
        int length = rows.Max(row => tokens.EndOfTextPositions[row]) + 1;
        long[] ids = [.. rows.SelectMany(row => tokens.Ids[(row * tokens.Length)..(row * tokens.Length + length)])];
        return [.. _text.Encode(ids, length).Chunk(Width)];
    }

    private NonFiniteException Explain(string what, bool pixelsAreWrong)
    {
        try
        {
            return FiniteEmbeddings.Of(Source, Precision.Float32, what, pixelsAreWrong, _damaged.Value);
        }
        catch (Exception exception) when (exception is IOException or CheckpointException or UnauthorizedAccessException)
        {
            return new NonFiniteException($"The model {Source} {what}, and its files cannot be looked at any more: {exception.Message}");
        }
    }

    /// <summary>The first weight with values that are NaN or infinity; null if there is none.</summary>
    private (string Name, long[] Shape, long Wrong)? Damaged()
    {
        using var file = OpenAgain();
        var weights = new FileWeights(file, Names(file, _config), "");
        foreach (var (name, shape) in _shapes)
        {
            long wrong = 0;
            foreach (float value in weights.Read(name, shape)) if (!float.IsFinite(value)) wrong++;
            if (wrong > 0) return (name, shape, wrong);
        }
        return null;
    }

    /// <summary>Opens the file of weights once more.</summary>
    /// <exception cref="IOException">It is another than the one that the model was read from.</exception>
    private IWeightFile OpenAgain()
    {
        var file = CheckpointFolder.Find(_folder).Open();
        if (Stamp(file) == _files) return file;
        file.Dispose();
        throw new IOException($"The files of {Source} have changed since the model was opened. Open it again.");
    }

    /// <summary>The weights' paths, lengths and times; of a link those of what it leads to.</summary>
    private static string Stamp(IWeightFile weights) => string.Join(' ', weights.Files.Select(path =>
    {
        using var file = File.OpenHandle(path);
        return $"{path} {RandomAccess.GetLength(file)} {File.GetLastWriteTimeUtc(file).Ticks}";
    }));

    /// <summary>What a file of weights becomes.</summary>
    private sealed class Parts : IDisposable
    {
        private FloatMemory? _vocabulary;

        internal PackedImageTower? Image { get; private set; }

        internal PackedTextTower? Text { get; private set; }

        internal float Scale { get; private set; }

        /// <summary>Every parameter's name and shape.</summary>
        internal IReadOnlyList<KeyValuePair<string, long[]>> Shapes { get; private set; } = [];

        /// <exception cref="CheckpointException">A tensor is missing, left over, or of another shape.</exception>
        internal unsafe void Read(IWeightFile file, Func<string, ParameterSource> find, ClipConfig config)
        {
            FileWeights image = new(file, find, "visual."), text = new(file, find, "");
            float[] positions = image.Read("positional_embedding", config.Vision.Tokens, config.Vision.Width).ToArray();
            Image = new PackedImageTower(image, config.Vision, config.VisionBlock, config.EmbeddingWidth, (_, _) => positions, Threads);
            Scale = text.Read("logit_scale")[0];
            var vocabulary = _vocabulary = text.ReadMemory("token_embedding.weight", config.Text.VocabularySize, config.Text.Width);
            Text = new PackedTextTower(text, config.Text, config.TextBlock, config.EmbeddingWidth, () => (nint)vocabulary.Values, Threads);
            Shapes = [.. image.Shapes, .. text.Shapes];
            if (file.Names.FirstOrDefault(name => !image.Seen.Contains(name) && !text.Seen.Contains(name)
                && !ModelNames.IsElsewhere(config, name)) is { } stranger)
                throw new CheckpointException($"{file.Path} has a tensor that no part of the model takes: {Quote.Cut(stranger)}.");
        }

        public void Dispose()
        {
            Image?.Dispose();
            Text?.Dispose();
            _vocabulary?.Dispose();
        }

        /// <summary>As many as OpenMP would take, and no more than there are cores.</summary>
        private static int Threads() =>
            int.TryParse(Environment.GetEnvironmentVariable("OMP_NUM_THREADS")?.Split(',')[0], out int asked) && asked > 0
                ? Math.Min(asked, Environment.ProcessorCount) : Environment.ProcessorCount;
    }
}
