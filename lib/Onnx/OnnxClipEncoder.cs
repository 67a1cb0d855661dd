using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Onnx;

/// <summary>
/// A CLIP model on ONNX Runtime: its graphs and its processor, in the layout of transformers.js and optimum. Images and captions become
/// vectors of length 1 in one space. Thread-safe after construction. If it is disposed while other threads embed, the graphs are freed
/// after those calls have ended; later calls throw an <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class OnnxClipEncoder : IClipEncoder
{
    private readonly OnnxTowers _towers;
    private readonly UseGate _calls;
    private readonly Lazy<(double Scale, double Bias)> _logits;

    private OnnxClipEncoder(string source, OnnxTowers towers, ClipProcessor processor, OnnxOptions options)
    {
        (Source, _towers, Processor) = (source, towers, processor);
        _calls = new UseGate(this, towers.Dispose);
        _logits = new(() => options.Scale is { } scale ? (scale, options.Bias) : towers.ScaleAndBias(options, processor));
    }

    /// <inheritdoc/>
    public ClipProcessor Processor { get; }

    /// <inheritdoc/>
    public string Source { get; }

    /// <inheritdoc/>
    public string? SourceStamp { get; private init; }

    /// <inheritdoc/>
    public int Width => _towers.Width;

    /// <inheritdoc/>
    public bool IsSigmoid => _towers.Recipe.IsSigmoid;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">
    /// The folder has no graph of the whole model to take it from, and <see cref="OnnxOptions.Scale"/> is not set.
    /// </exception>
    public double Scale => Logits().Scale;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">
    /// The folder has no graph of the whole model to take it from, and <see cref="OnnxOptions.Scale"/> is not set.
    /// </exception>
    public double Bias => Logits().Bias;

    /// <summary>Opens a model.</summary>
    /// <param name="idOrFolder">
    /// A folder with config.json, the tokenizer, preprocessor_config.json, and <c>vision_model.onnx</c> and <c>text_model.onnx</c>, beside
    /// them or in the subfolder onnx; or with only <c>model.onnx</c>, which then runs both towers for each embedding. Or a Hub id such as
    /// <c>Xenova/clip-vit-base-patch32</c>, whose towers, or else the whole model, are downloaded once.
    /// </param>
    /// <param name="options">Which graphs, and how they are run.</param>
    /// <exception cref="FileNotFoundException">The folder lacks a file that a model needs; the message says which.</exception>
    /// <exception cref="CheckpointException">
    /// A graph or the configuration is damaged, or has other inputs, outputs or shapes than a CLIP.
    /// </exception>
    /// <exception cref="HubException">
    /// The model of a Hub id is not in the cache and cannot be downloaded, or is not on the Hub as ONNX.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A file of the tokenizer or of the image transform is damaged, or the transform makes images of another size than the configuration
    /// says.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The tokenizer's file asks for something that is not known; the message names its key.
    /// </exception>
    public static OnnxClipEncoder FromPretrained(string idOrFolder, OnnxOptions? options = null) =>
        Task.Run(() => FromPretrainedAsync(idOrFolder, options)).GetAwaiter().GetResult();

    /// <summary>The same as <see cref="FromPretrained"/>, without blocking a thread while it downloads.</summary>
    /// <param name="idOrFolder">A folder, or a Hub id.</param>
    /// <param name="options">Which graphs, and how they are run.</param>
    /// <param name="progress">Receives the progress of every file that is downloaded.</param>
    /// <param name="cancellationToken">Stops a download; what has arrived is kept for the next time.</param>
    public static async Task<OnnxClipEncoder> FromPretrainedAsync(string idOrFolder, OnnxOptions? options = null,
        IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(idOrFolder);
        options ??= new OnnxOptions();
        var wanted = OnnxFolder.Wanted(options.Weights);
        string folder = await HuggingFaceHub.ResolveAsync(idOrFolder, wanted, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Open(idOrFolder, folder, options), cancellationToken).ConfigureAwait(false);
    }

    private static OnnxClipEncoder Open(string source, string folder, OnnxOptions options)
    {
        string? stamp = FolderStamp.Of(folder, $"{options.Weights}", OnnxFolder.Below);
        var towers = OnnxTowers.Open(OnnxFolder.Find(folder, options.Weights), OnnxRecipe.Load(folder), options);
        try
        {
            var processor = ClipProcessor.FromPretrained(folder, towers.ContextLength, towers.Recipe.ImageSize);
            towers.RequireShape(processor.Transform);
            return new OnnxClipEncoder(source, towers, processor, options) { SourceStamp = stamp };
        }
        catch
        {
            towers.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Fingerprint()
    {
        using var use = _calls.Enter();
        return _towers.Fingerprint(Processor);
    }

    /// <inheritdoc/>
    public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(images));
        using var use = _calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Image, images.Count);
        return [.. Enumerable.Range(0, images.Count).Chunk(ImageFiles.DefaultBatch).SelectMany(chunk =>
        {
            var pixels = new float[chunk.Length][];
            Parallel.For(0, chunk.Length, i => pixels[i] = Processor.Transform.Apply(images[chunk[i]]));
            return Unit(_towers.Images(pixels, Processor), i => Named(names, chunk[i], images.Count), pixels);
        })];
    }

    /// <inheritdoc/>
    public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Count == 0) throw new ArgumentException("There is no image: the list is empty.", nameof(pixels));
        Processor.Transform.Require(pixels);
        using var use = _calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Image, pixels.Count);
        return Unit(_towers.Images(pixels, Processor), i => Named(names, i, pixels.Count), pixels);
    }

    /// <inheritdoc/>
    public float[][] EmbedTexts(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw new ArgumentException("There is no caption: the list is empty.", nameof(texts));
        using var use = _calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Text, texts.Count);

        // Captions of similar length share a batch, since a row costs as much as the longest of its batch.
        var tokens = Processor.Tokenizer.Tokenize(texts, truncate: true);
        var embeddings = new float[texts.Count][];
        var order = Enumerable.Range(0, texts.Count).OrderBy(i => tokens.EndOfTextPositions[i]);
        foreach (int[] chunk in order.Chunk(ImageFiles.DefaultBatch))
        {
            var rows = Unit(_towers.Texts(tokens, chunk, Processor), i => $"the caption \"{Quote.Caption(texts[chunk[i]])}\"");
            foreach (var (place, row) in chunk.Zip(rows)) embeddings[place] = row;
        }
        return embeddings;
    }

    /// <summary>Frees the graphs, once the calls under way have ended.</summary>
    public void Dispose() => _calls.Close();

    private (double Scale, double Bias) Logits()
    {
        using var use = _calls.Enter();
        var (scale, bias) = _logits.Value;
        return double.IsFinite(scale) && double.IsFinite(bias) ? (scale, bias)
            : throw new NonFiniteException($"The model {Source} has the scale {scale} and the bias {bias}: its graphs are damaged, or " +
                "its training has failed. Fetch or export it again.");
    }

    /// <summary>Scales each row to length 1.</summary>
    /// <exception cref="NonFiniteException">A row is not finite, or all zeros.</exception>
    private float[][] Unit(float[][] rows, Func<int, string> inputOf, IReadOnlyList<float[]>? pixels = null)
    {
        foreach (var (place, row) in rows.Index())
        {
            double square = row.Sum(value => (double)value * value);
            if (!double.IsFinite(square) || square == 0)
            {
                string result = double.IsNaN(square) ? "NaN" : square == 0 ? "nothing but zeros" : "infinity";
                bool isInput = pixels is not null && !pixels[place].All(float.IsFinite);
                throw new NonFiniteException($"The model {Source} gives {result} for {inputOf(place)}: " + (isInput
                    ? "the pixels are not finite: look at the mean and std of the model's recipe, or at the pixels that were given."
                    : "its graph is damaged, or too narrow for what comes of it. Take its float32 graphs, or export it again."));
            }
            float factor = (float)(1 / Math.Sqrt(square));
            for (int i = 0; i < row.Length; i++) row[i] *= factor;
        }
        return rows;
    }

    private static string Named(IReadOnlyList<string>? names, int place, int count) => names?[place] ?? $"image {place + 1} of {count}";
}
