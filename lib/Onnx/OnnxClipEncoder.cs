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
    private readonly RowEncoder _rows;
    private readonly UseGate _calls;
    private readonly Lazy<(double Scale, double Bias)> _logits;

    private OnnxClipEncoder(string source, OnnxTowers towers, ClipProcessor processor, OnnxOptions options)
    {
        (Source, _towers, Processor) = (source, towers, processor);
        _calls = new UseGate(this, towers.Dispose);
        _rows = new RowEncoder(_calls, processor, pixels => towers.Images(pixels, processor),
            (tokens, rows) => towers.Texts(tokens, rows, processor), Explain);
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
    public float[][] EmbedImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null) =>
        _rows.EmbedImages(images, names);

    /// <inheritdoc/>
    public float[][] EmbedPixels(IReadOnlyList<float[]> pixels, IReadOnlyList<string>? names = null) =>
        _rows.EmbedPixels(pixels, names);

    /// <inheritdoc/>
    public float[][] EmbedTexts(IReadOnlyList<string> texts) => _rows.EmbedTexts(texts);

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

    private NonFiniteException Explain(string what, bool pixelsAreWrong) => new($"The model {Source} {what}: " + (pixelsAreWrong
        ? "the pixels are not finite: look at the mean and std of the model's recipe, or at the pixels that were given."
        : "its graph is damaged, or too narrow for what comes of it. Take its float32 graphs, or export it again."));
}
