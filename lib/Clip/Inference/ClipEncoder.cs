using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;
using Padding = ClipNotebooks.Core.Text.Padding;

namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// A CLIP ready for use: a model with its processor, in evaluation mode, without gradients. Images and captions become vectors of length 1
/// in one space, so that the dot product of two is their cosine similarity. Thread-safe after construction: if it is disposed while other
/// threads encode, the model is freed once they have finished; later calls throw an <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed partial class ClipEncoder : IClipEncoder
{
    /// <summary>The default number of images or captions encoded at once.</summary>
    public const int DefaultBatch = ImageFiles.DefaultBatch;

    private readonly Device _device;
    private readonly UseGate _calls, _model;
    private readonly ClipModel _clip;
    private volatile bool _isHandedOut;
    private PreparedClip? _prepared;

    /// <summary>Takes over a model and its processor.</summary>
    /// <param name="model">The model; disposed with the encoder.</param>
    /// <param name="processor">Makes the model's inputs.</param>
    /// <param name="device">Where the model runs; the CPU by default.</param>
    public ClipEncoder(ClipModel model, ClipProcessor processor, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(processor);
        _device = device ?? CPU;
        _clip = model;
        _clip.to(_device);
        _clip.eval();
        Processor = processor;
        _calls = new UseGate(this, Free);
        _model = new UseGate(this, _clip.Dispose);
    }

    /// <summary>The model. Once this has been read, <see cref="SourceStamp"/> is null, since the caller may change the weights.</summary>
    public ClipModel Model
    {
        get
        {
            _isHandedOut = true;
            return _clip;
        }
    }

    /// <summary>Makes the model's inputs from images and captions.</summary>
    public ClipProcessor Processor { get; }

    /// <summary>The folder or Hub id that the model was opened from; null for one from memory.</summary>
    public string? Source { get; private init; }

    /// <inheritdoc/>
    public string? SourceStamp { get => _isHandedOut ? null : field; private init; }

    /// <summary>
    /// The precision that the blocks compute in: that of the prepared form or else of the weights; null for other element types.
    /// </summary>
    internal Precision? ComputesIn => _prepared?.Precision ?? _clip.LogitScale.dtype switch
    {
        ScalarType.Float32 => Precision.Float32,
        ScalarType.BFloat16 => Precision.BFloat16,
        ScalarType.Float16 => Precision.Float16,
        _ => null,
    };

    /// <summary>Opens a model.</summary>
    /// <param name="idOrFolder">
    /// A folder such as <c>data/models/tiny-clip</c>, or a Hub id such as <c>openai/clip-vit-base-patch32</c>, which is downloaded once.
    /// </param>
    /// <param name="device">Where to run; CUDA if there is one, else the CPU.</param>
    /// <param name="imageSize">
    /// The side of the images in pixels, if it is to differ from the model's own. Position embeddings are then interpolated
    /// (<see cref="VisionTransformer.InterpolatePositions"/>). Where the recipe cuts patches, an image gets as many as a square of this
    /// side has.
    /// </param>
    /// <exception cref="FileNotFoundException">The folder lacks a file that a model needs.</exception>
    /// <exception cref="CheckpointException">The weights or the model's configuration are damaged or do not fit each other.</exception>
    /// <exception cref="InvalidDataException">A file of the tokenizer or of the image transform is damaged, or makes images of another
    /// size.</exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="NotSupportedException">
    /// The tokenizer's file needs something that is not supported; the message names its key.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="imageSize"/> is smaller than a patch, or is no multiple of it where the tower's stem needs one (ViTamin).
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The model's image tower is convolutional, and has no positions to interpolate.
    /// </exception>
    public static ClipEncoder FromPretrained(string idOrFolder, Device? device = null, int? imageSize = null) =>
        Open(idOrFolder, HuggingFaceHub.Resolve(idOrFolder), device, imageSize);

    /// <summary>
    /// The same as <see cref="FromPretrained"/>, but no thread waits for the network; the model is built on a thread of the pool.
    /// </summary>
    /// <param name="idOrFolder">A folder, or a Hub id.</param>
    /// <param name="device">Where to run; CUDA if there is one, else the CPU.</param>
    /// <param name="imageSize">The side of the images in pixels, if it is to differ from the model's own.</param>
    /// <param name="progress">Receives the progress of each file that is downloaded.</param>
    /// <param name="cancellationToken">Stops a download; the part downloaded so far is kept for the next attempt.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static async Task<ClipEncoder> FromPretrainedAsync(string idOrFolder, Device? device = null, int? imageSize = null,
        IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        string folder = await HuggingFaceHub.ResolveAsync(idOrFolder, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Open(idOrFolder, folder, device, imageSize), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Opens a model for embedding alone. One with CLIP's own towers in safetensors is read straight into its prepared form in float32, on
    /// a processor with AVX2 or AVX-512: it starts without libtorch, and its weights are in memory once, where <see cref="Prepare"/> has
    /// them beside the model's. Any other model is opened as by <see cref="FromPretrained"/>.
    /// </summary>
    /// <param name="idOrFolder">A folder, or a Hub id.</param>
    /// <returns>An encoder in float32; the caller's to dispose.</returns>
    /// <exception cref="FileNotFoundException">The folder lacks a file that a model needs.</exception>
    /// <exception cref="CheckpointException">The weights or the model's configuration are damaged or do not fit each other.</exception>
    /// <exception cref="InvalidDataException">A file of the tokenizer or of the image transform is damaged.</exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="InvalidOperationException">The model needs libtorch, which the program does not have.</exception>
    public static IClipEncoder ForInference(string idOrFolder) =>
        PackedClipEncoder.TryOpen(idOrFolder, out var problem) ?? (IClipEncoder)WithLibtorch(idOrFolder, null, problem);

    /// <summary>Opens a model in its prepared form: without libtorch where that is in float32 on the processor.</summary>
    /// <param name="idOrFolder">A folder, or a Hub id.</param>
    /// <param name="device">Where to run; CUDA if there is one, else the CPU.</param>
    /// <param name="precision">The precision of the blocks.</param>
    /// <returns>The encoder, the caller's to dispose, and one line that says what was chosen, and why.</returns>
    internal static (IClipEncoder Encoder, string Chosen) OpenPrepared(string idOrFolder, Device? device, Precision precision)
    {
        bool onProcessor = device is null ? !MayHaveGpu() : device.type == DeviceType.CPU;
        var (chosen, reason) = PreparedTower.Choice(precision, onProcessor ? DeviceType.CPU : DeviceType.CUDA);
        Exception? problem = null;
        if (onProcessor && chosen == Precision.Float32 && PackedClipEncoder.TryOpen(idOrFolder, out problem) is { } packed)
            return (packed, $"{ScalarType.Float32}, products by {PackedClipEncoder.Products}: {reason}");
        var encoder = WithLibtorch(idOrFolder, device, problem);
        try
        {
            return (encoder, encoder.Prepare(precision).Description);
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <summary>Opens a model that cannot be opened without libtorch; where there is none, says why it is needed.</summary>
    private static ClipEncoder WithLibtorch(string idOrFolder, Device? device, Exception? problem)
    {
        try
        {
            return FromPretrained(idOrFolder, device);
        }
        catch (Exception exception) when (!HasLibtorch(".") && exception is NotSupportedException or DllNotFoundException
            or TypeInitializationException)
        {
            if (problem is CheckpointException) throw problem;
            throw new InvalidOperationException($"{idOrFolder} cannot be opened without libtorch, which this program does not have: that " +
                "takes CLIP's own towers, weights as safetensors in float32, float16 or bfloat16, and a processor with AVX2. Remove " +
                "<ClipLibtorch>none</ClipLibtorch> from its project, and name a platform there.", problem ?? exception);
        }
    }

    /// <summary>Whether there is a driver of GPUs and a libtorch for it: this is asked before libtorch is loaded.</summary>
    private static bool MayHaveGpu() =>
        HasLibtorch("_cuda.") && NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out _);

    /// <summary>Whether a library of libtorch's is where the runtime looks for native ones.</summary>
    private static bool HasLibtorch(string ending)
    {
        string listed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return listed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Append(AppContext.BaseDirectory)
            .Where(Directory.Exists).Any(folder => Directory.EnumerateFiles(folder, $"*torch{ending}*").Any());
    }

    private static ClipEncoder Open(string source, string folder, Device? device, int? imageSize)
    {
        string? stamp = FolderStamp.Of(folder, $"{imageSize}");
        var model = ClipCheckpoint.FromPretrained(folder);
        try
        {
            var processor = ClipProcessor.FromPretrained(folder, model.Config.Text.ContextLength, model.Config.Vision.ImageSize);
            var (recipe, vision) = (processor.Transform.Config, model.Config.Vision);
            if (recipe.Patches is { } patches && (vision.Stem, vision.PatchSize) != (PatchStem.FlatPatches, patches.Side))
            {
                string taken = vision.Stem == PatchStem.FlatPatches ? $"patches of {vision.PatchSize}" : "whole images";
                throw new InvalidDataException($"The image processor in {folder} cuts patches of {patches.Side} pixels a side for SigLIP " +
                    $"2 NaFlex, and the model takes {taken}. Take both files from the same model and revision.");
            }
            if (imageSize is { } size)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(size, vision.PatchSize, nameof(imageSize));
                if (vision.NeedsWholeCells && size % vision.PatchSize != 0)
                    throw new ArgumentOutOfRangeException(nameof(imageSize), size, "This model's images must have a side that is a " +
                        $"multiple of {vision.PatchSize} pixels, since the stem of its image tower is {vision.Stem}.");
                model.Visual.InterpolatePositions = true;
                int along = size / vision.PatchSize;
                (int, int)? budget = recipe.Patches is null ? null : (vision.PatchSize, along * along);
                recipe = recipe with { Size = size, ResizeSize = size, Patches = budget };
                processor = new ClipProcessor(new ClipImageTransform(recipe), processor.Tokenizer);
            }
            return new ClipEncoder(model, processor, device ?? (cuda.is_available() ? CUDA : CPU))
            {
                Source = source,
                SourceStamp = stamp,
            };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Embeds images.</summary>
    /// <param name="images">At least one, of any sizes.</param>
    /// <param name="names">The images' names in error messages; by default their positions in the list.</param>
    /// <returns>(N, E), float32, on the CPU, each row of length 1; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public Tensor EncodeImages(IReadOnlyList<RasterImage> images, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw Empty(nameof(images));
        using var use = _calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Image, images.Count);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var rows = images.Chunk(DefaultBatch).Select(chunk =>
        {
            using var inner = NewDisposeScope();
            return Normalised(Processor.Images(chunk), EncodeImage).MoveToOuterDisposeScope();
        }).ToList();
        var embeddings = cat(rows, 0).cpu();                                                       // (N, E)
        return FiniteEmbeddings.Checked(embeddings, this, Named, i => Processor.Images([images[i]])).MoveToOuterDisposeScope();

        string Named(int i) => names?[i] ?? $"image {i + 1} of {images.Count}";
    }

    /// <summary>Embeds captions, each truncated to the context length.</summary>
    /// <returns>(N, E), float32, on the CPU, each row of length 1; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public Tensor EncodeTexts(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Count == 0) throw Empty(nameof(texts));
        using var use = _calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Text, texts.Count);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();

        // Captions of similar length share a batch, since each costs as much as the longest of its batch.
        var text = _clip.Config.Text;
        bool full = text.NeedsFullRows, masked = text.MaskPadding || text.AppendedClassToken;
        var tokens = Processor.Tokenizer.Tokenize(texts, truncate: true, full ? Padding.ContextLength : Padding.Longest, masked
            ? text.PaddingId : null);
        int[] order = [.. Enumerable.Range(0, texts.Count).OrderBy(i => tokens.EndOfTextPositions[i])];
        var rows = order.Chunk(DefaultBatch).Select(chunk =>
        {
            using var inner = NewDisposeScope();
            int length = full ? tokens.Length : tokens.EndOfTextPositions[chunk[^1]] + 1;
            var ids = tensor(chunk.SelectMany(i => tokens.Ids[(i * tokens.Length)..(i * tokens.Length + length)]).ToArray(),
                [chunk.Length, length]);
            return Normalised(ids, EncodeText).MoveToOuterDisposeScope();
        }).ToList();

        var places = new long[order.Length];
        for (int place = 0; place < order.Length; place++) places[order[place]] = place;
        var embeddings = cat(rows, 0).cpu()[tensor(places)];                                       // (N, E)
        return FiniteEmbeddings.Checked(embeddings, this, i => $"the caption \"{Quote.Caption(texts[i])}\"").MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Embeds pixels that the processor's transform has made, for callers that prepare images while others are being encoded.
    /// </summary>
    /// <param name="pixels">(B, 3, R, R), float32, normalised, or as the transform's <c>Shape</c> says; encoded as one batch.</param>
    /// <param name="names">The images' names in error messages; by default their positions in the batch.</param>
    /// <returns>(B, E), float32, on the CPU, each row of length 1; the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">The pixels have another shape.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public Tensor EncodePixels(Tensor pixels, IReadOnlyList<string>? names = null)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        var one = Processor.Transform.Shape;
        if (pixels.dim() != one.Count + 1 || pixels.shape[0] == 0 || !pixels.shape.Skip(1).SequenceEqual(one))
        {
            throw new ArgumentException(
                $"The pixels are ({string.Join(", ", pixels.shape)}); (B, {string.Join(", ", one)}) with B at least 1 is needed.",
                nameof(pixels));
        }
        using var use = _calls.Enter();
        using var told = ClipTelemetry.Begin(ClipTelemetry.Image, (int)pixels.shape[0]);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        var embeddings = Normalised(pixels, EncodeImage).cpu();                                    // (B, E)
        return FiniteEmbeddings.Checked(embeddings, this, Named, i => pixels.narrow(0, i, 1)).MoveToOuterDisposeScope();

        string Named(int i) => names?[i] ?? $"image {i + 1} of {pixels.shape[0]}";
    }

    /// <summary>
    /// From now on encodes through the model's prepared form, which is faster; the model's weights must not change afterwards. Not to be
    /// called while the encoder is in use.
    /// </summary>
    /// <param name="precision">
    /// The precision of the blocks; <see cref="Precision.Float32"/> changes embeddings only by the rounding of sums.
    /// </param>
    /// <returns>The prepared form, which says what was chosen; the encoder disposes of it.</returns>
    /// <exception cref="ArgumentException">The model's weights are not in float32.</exception>
    /// <exception cref="InvalidOperationException">The model has low-rank adapters that are not merged.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public PreparedClip Prepare(Precision precision = Precision.Auto)
    {
        using var use = _calls.Enter();
        var prepared = PreparedClip.Held(_clip, precision, _model.Enter());
        _prepared?.Dispose();
        return _prepared = prepared;
    }

    /// <summary>The model's logits: cosine similarities times the learned scale, plus the learned bias where there is one.</summary>
    /// <returns>
    /// (N, M) for N images and M captions; <see cref="Probabilities"/> turns them into probabilities. The caller's to dispose.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    /// <exception cref="ArgumentException">A list is empty.</exception>
    /// <exception cref="NonFiniteException">The model gives no finite numbers.</exception>
    public Tensor LogitsPerImage(IReadOnlyList<RasterImage> images, IReadOnlyList<string> texts)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        return EncodeImages(images).mm(EncodeTexts(texts).T).Times(Scale).Plus(Bias).MoveToOuterDisposeScope();
    }

    /// <summary>The factor on the cosine similarities, exp(LogitScale).</summary>
    /// <exception cref="NonFiniteException">It is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public double Scale
    {
        get
        {
            using var use = _calls.Enter();
            using var scope = NewDisposeScope();
            double scale = _clip.LogitScale.detach().exp().to(float32).ToDouble();
            return double.IsFinite(scale) ? scale : throw FiniteEmbeddings.Of(this, $"has the scale {scale}");
        }
    }

    /// <summary>The bias added to the logits, LogitBias; 0 where the model has none.</summary>
    /// <exception cref="NonFiniteException">It is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public double Bias
    {
        get
        {
            using var use = _calls.Enter();
            using var scope = NewDisposeScope();
            double bias = _clip.LogitBias is { } learned ? learned.detach().to(float32).ToDouble() : 0;
            return double.IsFinite(bias) ? bias : throw FiniteEmbeddings.Of(this, $"has the bias {bias}");
        }
    }

    /// <summary>
    /// Whether the model was trained with a sigmoid for each pair, so that the sigmoid of a logit is a probability by itself.
    /// </summary>
    public bool IsSigmoid => _clip.Config.IsSigmoid;

    /// <summary>
    /// Turns logits into probabilities. For a CLIP this is a softmax over each row: which of these captions fits the image. Where
    /// <see cref="IsSigmoid"/> is true, it is the sigmoid of each logit: whether that pair belongs together, independently of the other
    /// captions.
    /// </summary>
    /// <param name="logits">(N, M), images by captions, as <see cref="LogitsPerImage"/> gives them.</param>
    /// <returns>(N, M), 0 to 1; the caller's to dispose.</returns>
    public Tensor Probabilities(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        return IsSigmoid ? logits.sigmoid() : logits.softmax(1);
    }

    /// <summary>Frees the model and its prepared form, once the calls in progress have finished.</summary>
    public void Dispose() => _calls.Close();

    /// <summary>Begins a call that uses the model.</summary>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    internal UseGate.Use Enter() => _calls.Enter();

    private void Free()
    {
        _prepared?.Dispose();
        _model.Close(); // a caller that is using the prepared form directly keeps the model until that call has finished
    }

    private static ArgumentException Empty(string name) => new("There is nothing to encode: the list is empty.", name);

    // A model in half precision takes pixels in its own type. Patches with their places are converted inside: bfloat16 would round places.
    private Tensor EncodeImage(Tensor pixels) => _prepared is not null ? _prepared.EncodeImage(pixels) : _clip.EncodeImage(
        _clip.Config.Vision.Stem == PatchStem.FlatPatches ? pixels : pixels.to(_clip.LogitScale.dtype));

    private Tensor EncodeText(Tensor ids) => _prepared is null ? _clip.EncodeText(ids) : _prepared.EncodeText(ids);

    /// <summary>
    /// Encodes inputs to rows of length 1, (B, E), on the device. It does not wait for a GPU; callers wait once all batches are queued.
    /// </summary>
    private Tensor Normalised(Tensor inputs, Func<Tensor, Tensor> encode)
    {
        using var scope = NewDisposeScope();
        var embeddings = encode(OnDevice(inputs)).to(float32);                                     // (B, E)
        return nn.functional.normalize(embeddings, p: 2, dim: -1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Copies inputs to the device. For a GPU the copy is asynchronous, from page-locked memory, so that the CPU prepares the next batch
    /// while this one is copied and encoded.
    /// </summary>
    private Tensor OnDevice(Tensor inputs) => _device.type == DeviceType.CUDA ? inputs.pin_memory().to(_device, non_blocking: true)
        : inputs.to(_device);
}
