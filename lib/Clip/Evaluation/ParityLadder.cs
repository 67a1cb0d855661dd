using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;
using Padding = ClipNotebooks.Core.Text.Padding;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// Compares a model with a recording of the same model elsewhere, step by step: tokens → pixels → patch embedding → each block → pooled →
/// projected → logits. The first step that differs says where to look.
/// <para>
/// A recording is a safetensors file. Its inputs are <c>images</c> (B, 3, R, R) normalised, float32, and <c>token_ids</c> (T, L), int64;
/// they may also be in an <c>inputs.safetensors</c> beside it. It may hold any of these outputs, float: <c>vision.patch_embedding</c>
/// (B, N − 1, D), before class token and positions; <c>vision.hidden.0</c> before the first block and <c>vision.hidden.i</c> after block i
/// (B, N, D); for a convolutional tower <c>vision.stem</c>, <c>vision.layer1</c> and so on; <c>vision.ln_post</c>, pooled (B, D);
/// <c>encode_image</c>, projected and not normalised (B, E); <c>text.hidden.i</c> likewise (T, L, D); <c>text.ln_final</c> (T, L, D);
/// <c>text.pooled</c> (T, D); <c>encode_text</c> (T, E); <c>logits_per_image</c> (B, T). Where attention is causal, tokens after a text's
/// end are not compared: nothing reads them. For the first two steps it holds what the inputs were made from: <c>raw_images.0</c>,
/// <c>raw_images.1</c>, … (height, width, 3), uint8 RGB, and in the header's metadata <c>texts</c>, a JSON list of the captions. Other
/// tensors are ignored.
/// </para>
/// </summary>
public static class ParityLadder
{
    /// <summary>
    /// The default tolerance of the relative error, float32 against float32: the rounding of another order of summation in a Vision
    /// Transformer.
    /// </summary>
    public const double VisionTransformerTolerance = 1e-5;

    /// <summary>The same for a convolutional tower, whose batch normalisations amplify rounding.</summary>
    public const double ResNetTolerance = 5e-5;

    private const string Images = "images", Ids = "token_ids", Texts = "texts", RawImage = "raw_images.", InputsName = "inputs.safetensors";

    /// <summary>Pixels come from integers by one division and one subtraction: the last digit of a float.</summary>
    private const double PixelTolerance = 1e-6;

    /// <summary>Compares a model with a recording.</summary>
    /// <param name="model">The model, in evaluation mode; stays the caller's.</param>
    /// <param name="recording">The recording's file.</param>
    /// <param name="processor">
    /// Makes the inputs for the steps <c>tokens</c> and <c>pixels</c>, which are left out without it, or where the recording has no
    /// captions or raw images.
    /// </param>
    /// <param name="tolerance">
    /// The largest relative error allowed: by default 1e-5, and 5e-5 for a convolutional tower. Half precision needs more.
    /// </param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">The file is damaged, or holds no inputs or none of the outputs.</exception>
    /// <exception cref="ArgumentException">The recorded inputs have other shapes than the model takes; the message gives both.</exception>
    /// <exception cref="NonFiniteException">The model's weights are not finite.</exception>
    public static ParityReport Compare(ClipModel model, string recording, ClipProcessor? processor = null, double? tolerance = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var outputs = SafetensorsFile.Open(recording);
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(recording))!, InputsName);
        using var inputs = outputs.Contains(Images) || outputs.Contains(Ids) || !File.Exists(beside) ? null : SafetensorsFile.Open(beside);
        var source = inputs ?? outputs;
        Tensor? images = source.Contains(Images) ? source.Read(Images) : null, ids = source.Contains(Ids) ? source.Read(Ids) : null;
        if (images is null && ids is null) throw new CheckpointException(
            $"{recording} has no inputs: neither it nor {InputsName} beside it holds \"{Images}\" or \"{Ids}\".");

        double allowed = tolerance ?? (model.Config.Vision.IsTransformer ? VisionTransformerTolerance : ResNetTolerance);
        var rungs = new List<ParityRung>();
        bool seesPadding = !model.Config.Text.Causal || model.Config.Text.AppendedClassToken;
        var reached = ids is null || seesPadding ? null : Reached(model, ids);
        if (processor is not null && ids is not null && source.Metadata.TryGetValue(Texts, out string? texts))
            rungs.Add(Rung("tokens", ids, Tokens(processor, texts, RowsOf(model), ids.shape[1], source.Path), 0, reached));
        if (processor is not null && images is not null && source.Contains(RawImage + "0")) rungs.Add(
            Rung("pixels", images, Pixels(processor, source), PixelTolerance));
        var steps = Walk(model, images, ids);
        // If outputs are not finite although the weights are, the ladder shows at which step; weights that are not finite are reported as
        // such.
        if (WithoutNumbers(steps) is { } wrong && model.state_dict().Any(entry => !FiniteEmbeddings.IsFinite(entry.Value)))
            throw FiniteEmbeddings.Of(model, null, null, $"gives no finite numbers for \"{wrong}\"");
        foreach (var (name, actual) in steps)
        {
            if (!outputs.Contains(name)) continue;
            bool tokens = name.StartsWith("text.", StringComparison.Ordinal) && actual.dim() == 3;
            rungs.Add(Rung(name, outputs.Read(name), actual, allowed, tokens ? reached : null));
        }
        return rungs.Count > 0 ? new ParityReport(rungs) : throw new CheckpointException($"{recording} holds none of the outputs that a " +
            $"parity recording may hold, such as \"encode_image\" or \"vision.hidden.0\".");
    }

    /// <summary>
    /// Writes a recording of a model, including the images and captions. The file is first written beside its destination, then renamed.
    /// </summary>
    /// <param name="encoder">The model with its processor; stays the caller's.</param>
    /// <param name="images">B images; the step <c>pixels</c> is recorded where all are RGB.</param>
    /// <param name="texts">T captions.</param>
    /// <param name="path">The destination.</param>
    /// <exception cref="ArgumentException">A list is empty.</exception>
    /// <exception cref="NonFiniteException">The model's outputs are not finite; nothing is written.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public static void Record(ClipEncoder encoder, IReadOnlyList<RasterImage> images, IReadOnlyList<string> texts, string path)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        using var use = encoder.Enter();
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        Tensor pixels = encoder.Processor.Images(images), ids = encoder.Processor.Texts(texts, RowsOf(encoder.Model));
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Images] = pixels, [Ids] = ids };
        if (images.All(image => image.Layout == SampleLayout.Rgb))
        {
            foreach (var (i, image) in images.Index()) tensors[$"{RawImage}{i}"] = tensor(
                image.ToRgbBytes(), [image.Height, image.Width, 3]);
        }
        var steps = Walk(encoder.Model, pixels, ids);
        if (WithoutNumbers(steps) is { } wrong) throw FiniteEmbeddings.Of(encoder, $"gives no finite numbers for \"{wrong}\"");
        foreach (var (name, value) in steps) tensors[name] = value;
        SafetensorsFile.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt",
            [Texts] = JsonSerializer.Serialize(texts) });
    }

    /// <summary>The name of the first output that is not finite; null if all are.</summary>
    private static string? WithoutNumbers(IEnumerable<(string Name, Tensor Value)> steps) => steps
        .Where(step => step.Name.StartsWith("encode_", StringComparison.Ordinal) && !FiniteEmbeddings.IsFinite(step.Value))
        .Select(step => step.Name).FirstOrDefault();

    /// <summary>Every step of the two towers by name, in the order of the forward, as float32 on the CPU.</summary>
    private static List<(string Name, Tensor Value)> Walk(ClipModel model, Tensor? images, Tensor? ids)
    {
        var steps = new List<(string, Tensor)>();
        var (type, device) = (model.LogitScale.dtype, model.LogitScale.device);
        if (images?.to(type).to(device) is { } pixels)
        {
            using var trace = new Trace();
            if (model.ImageTower is VisionTransformer tower)
            {
                steps.Add(("vision.patch_embedding", Plain(tower.EmbedPatches(pixels))));
                var pooled = tower.Pooled(pixels, trace);
                AddTrace(steps, "vision.", trace);
                steps.Add(("vision.ln_post", Plain(pooled)));
            }
            else
            {
                _ = model.ImageTower switch
                {
                    ModifiedResNet resNet => resNet.Features(pixels, trace),
                    ConvNext convNext => convNext.Features(pixels, trace),
                    var fastVit => ((FastVit)fastVit).Features(pixels, trace),
                };
                AddTrace(steps, "vision.", trace);
            }
            steps.Add(("encode_image", Plain(model.EncodeImage(pixels))));
        }
        if (ids?.to(device) is { } tokens)
        {
            using var trace = new Trace();
            var pooled = model.Text.Pooled(tokens, trace);
            AddTrace(steps, "text.", trace);
            steps.Add(("text.pooled", Plain(pooled)));
            steps.Add(("encode_text", Plain(model.EncodeText(tokens))));
            if (images is not null) steps.Add(("logits_per_image", Plain(model.call(images.to(type).to(device), tokens).LogitsPerImage)));
        }
        return steps;
    }

    private static void AddTrace(List<(string, Tensor)> steps, string prefix, Trace trace)
    {
        foreach (string name in trace.Names)
            if (!name.StartsWith("attention.", StringComparison.Ordinal)) steps.Add((prefix + name, Plain(trace[name]).clone()));
    }

    private static Tensor Plain(Tensor value) => value.to(float32).cpu();

    /// <summary>Which tokens of each text are compared, (T, L), bool: those up to its end token.</summary>
    private static Tensor Reached(ClipModel model, Tensor ids)
    {
        var ends = model.Text.EndPositions(ids).data<long>().ToArray();
        return tensor(ends.SelectMany(end => Enumerable.Range(0, (int)ids.shape[1]).Select(i => i <= end)).ToArray(), ids.shape);
    }

    private static Padding RowsOf(ClipModel model) => model.Config.Text.NeedsFullRows ? Padding.ContextLength : Padding.Longest;

    private static Tensor Tokens(ClipProcessor processor, string texts, Padding rows, long length, string recording)
    {
        try
        {
            var ours = processor.Texts(JsonSerializer.Deserialize<string[]>(texts) ?? [], rows);
            // Rows end at the longest caption here, but are often padded to the context length elsewhere; no token has the id -1.
            long common = Math.Min(ours.shape[1], length);
            return cat([ours.narrow(1, 0, common), ones(ours.shape[0], length - common, dtype: int64).neg()], 1);
        }
        catch (JsonException exception)
        {
            throw new CheckpointException($"The note \"{Texts}\" in the header of {recording} is not a JSON list of captions: " +
                $"{exception.Message}", exception);
        }
    }

    private static Tensor Pixels(ClipProcessor processor, SafetensorsFile source)
    {
        var images = new List<RasterImage>();
        for (int i = 0; source.Contains($"{RawImage}{i}"); i++)
        {
            var entry = source.Entry($"{RawImage}{i}");
            if (entry.Shape is not [> 0 and <= 65536, > 0 and <= 65536, 3] || entry.Type != ScalarType.Byte)
                throw new CheckpointException($"The tensor \"{entry.Name}\" in {source.Path} is ({string.Join(", ", entry.Shape)}) of " +
                    $"{entry.Type}; (height, width, 3) of Byte is needed.");
            images.Add(RasterImage.FromRgb((int)entry.Shape[1], (int)entry.Shape[0], source.Read(entry.Name).bytes.ToArray()));
        }
        return processor.Images(images);
    }

    private static ParityRung Rung(string name, Tensor expected, Tensor actual, double tolerance, Tensor? reached = null)
    {
        using var scope = NewDisposeScope();
        if (!expected.shape.SequenceEqual(actual.shape))
            return new ParityRung(name, expected.shape, double.NaN, double.NaN, tolerance,
                $"({string.Join(", ", expected.shape)}) was recorded, the model gives ({string.Join(", ", actual.shape)})");
        var (e, a) = (expected.to(float64), actual.to(float64));
        if (reached is not null) (e, a) = (e[TensorIndex.Tensor(reached)], a[TensorIndex.Tensor(reached)]);
        double error = Largest(e.Plus(a.neg())), magnitude = Largest(e);
        return new ParityRung(name, expected.shape, error, error == 0 ? 0 : error / magnitude, tolerance, "");
    }

    /// <summary>The largest magnitude; NaN if an element is NaN, 0 if there are no elements.</summary>
    private static double Largest(Tensor x) => x.numel() == 0 ? 0 : x.abs().max().ToDouble();
}
