using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Images;

/// <summary>
/// How a model's images are prepared; the defaults are OpenAI's. Read from <c>preprocessor_config.json</c>, or from transformers 5's
/// <c>processor_config.json</c>.
/// </summary>
public sealed partial record ImageTransformConfig
{
    /// <summary>The most values of an image, 1 GB of floats: a configuration that asks for more is wrong, or malicious.</summary>
    private const long MostNumbers = 1 << 28;

    /// <summary>The side to which the image is resized, in pixels.</summary>
    public int ResizeSize { get; init; } = 224;

    /// <summary>R, the side of the cropped square, in pixels; with patches, the side of the largest square within their budget.</summary>
    public int Size { get; init; } = 224;

    /// <summary>
    /// P, the side of a patch in pixels, and N, the most patches of an image, if <see cref="ResizeMode"/> is Patches; otherwise null.
    /// </summary>
    public (int Side, int Most)? Patches { get; init; }

    /// <summary>How the image is resized towards a square.</summary>
    public ResizeMode ResizeMode { get; init; } = ResizeMode.Shortest;

    /// <summary>
    /// Whether images become RGB before the resize, as in transformers (<c>do_convert_rgb</c>). If not, they are resized in their file's
    /// own layout, as in openai/CLIP and open_clip: palettes by nearest neighbour, 16-bit gray in 16 bits, CMYK as ink values.
    /// </summary>
    public bool ConvertFirst { get; init; }

    /// <summary>
    /// Whether the square is cropped from the centre; if not, an image that is not square stays so (<c>do_center_crop</c>).
    /// </summary>
    public bool CenterCrop { get; init; } = true;

    /// <summary>
    /// Whether the crop's offset, half of what is cut off, is rounded down, as in transformers; otherwise halves are rounded to even, as in
    /// torchvision, which openai/CLIP and open_clip use.
    /// </summary>
    public bool CropRoundsDown { get; init; }

    /// <summary>The filter of the resize.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>What is subtracted from red, green and blue, which are in 0–1.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>What the differences are divided by, for red, green and blue.</summary>
    public IReadOnlyList<float> Std { get; init; } = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>
    /// Reads Hugging Face's <c>preprocessor_config.json</c>, the same under <c>image_processor</c> in <c>processor_config.json</c>, or
    /// OpenCLIP's <c>preprocess_cfg</c> (alone or within <c>open_clip_config.json</c>).
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is not JSON, or a value is missing or out of its range; the message names file and key.
    /// </exception>
    /// <param name="path">The file.</param>
    /// <param name="modelSize">R of the model, for an OpenCLIP configuration that leaves its size out; 224 by default.</param>
    public static ImageTransformConfig Load(string path, int? modelSize = null)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no {Path.GetFileName(path)} in {Path.GetDirectoryName(path)}, " +
            $"which says how the model's images are prepared. Copy it from where the model came from; of a model of the Hub, \"clipbook " +
            $"download ID\" fetches what its folder lacks.", path);
        try
        {
            if (ModelFile.Fault(path) is { } fault) throw new InvalidDataException(fault + ".");
            var root = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new InvalidDataException("it is not a JSON object.");
            root = root["image_processor"] as JsonObject ?? root;
            var open = root["preprocess_cfg"] as JsonObject ?? (root.ContainsKey("resize_mode") || root.ContainsKey("mean") ? root : null);
            var config = open is null ? HuggingFace(root) : OpenClip(open, modelSize ?? 224);
            config.Validate();
            return config;
        }
        catch (Exception exception) when (exception is JsonException or InvalidDataException or InvalidOperationException or FormatException
            or ArgumentException)
        {
            throw new InvalidDataException($"{path} does not say how to prepare images: " +
                $"{(exception is JsonException ? "it is not JSON. " : "")}{exception.Message} Correct it, or copy it anew from where the " +
                $"model came from.", exception);
        }
    }

    /// <summary>
    /// Writes Hugging Face's format, under a temporary name first, then renamed. The format cannot hold <see cref="CropRoundsDown"/>, which
    /// is true when it is read back.
    /// </summary>
    public void Save(string path)
    {
        var json = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal)
        {
            ["do_convert_rgb"] = ConvertFirst,
            ["do_normalize"] = true,
            ["do_rescale"] = true,
            ["do_resize"] = true,
            ["image_mean"] = Numbers(Mean),
            ["image_processor_type"] = Patches is null ? "CLIPImageProcessor" : "Siglip2ImageProcessor",
            ["image_std"] = Numbers(Std),
            ["resample"] = Interpolation switch { Interpolation.Nearest => 0, Interpolation.Bilinear => 2, _ => 3 },
            ["rescale_factor"] = 1 / 255.0,
        };
        if (Patches is { } patches)
        {
            (json["patch_size"], json["max_num_patches"]) = (patches.Side, patches.Most);
        }
        else
        {
            json["crop_size"] = new JsonObject { ["height"] = Size, ["width"] = Size };
            json["do_center_crop"] = CenterCrop && (ResizeMode == ResizeMode.Shortest || Size != ResizeSize);
            json["size"] = ResizeMode == ResizeMode.Squash
                ? new JsonObject { ["height"] = ResizeSize, ["width"] = ResizeSize }
                : new JsonObject { [ResizeMode == ResizeMode.Shortest ? "shortest_edge" : "longest_edge"] = ResizeSize };
        }
        AtomicFile.Write(path, new JsonObject(json).ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    /// <summary>Whether a <c>processor_config.json</c> says how images are prepared; also true for a damaged one.</summary>
    internal static bool IsNested(string path)
    {
        try
        {
            return ModelFile.Fault(path) is not null || JsonNode.Parse(File.ReadAllBytes(path)) is not JsonObject root
                || root["image_processor"] is not null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return true;
        }
    }

    internal void Validate()
    {
        if (Size < 1 || ResizeSize < 1) throw new ArgumentException(
            $"the sizes are {ResizeSize} and {Size}; they must be at least 1 pixel.");
        if (Mean.Count != 3 || Std.Count != 3) throw new ArgumentException(
            "mean and std must have one number for each of red, green and blue.");
        if (Std.Any(s => !(s > 0))) throw new ArgumentException($"std is {string.Join(", ", Std)}; each must be above 0.");
        if (!Mean.Zip(Std).All(pair => float.IsFinite((0 - pair.First) / pair.Second) && float.IsFinite((1 - pair.First) / pair.Second)))
        {
            throw new ArgumentException(
                $"mean {string.Join(", ", Mean)} and std {string.Join(", ", Std)} make infinities of pixels, (x / 255 − mean) / std.");
        }
        if (!CenterCrop && Size != ResizeSize) throw new ArgumentException($"there is no crop, and the sizes are {ResizeSize} and {Size}.");
        if (Patches is null == (ResizeMode == ResizeMode.Patches))
        {
            string said = Patches?.ToString() ?? "not set";
            throw new ArgumentException($"ResizeMode is {ResizeMode}, and Patches is {said}: one needs the other.");
        }
        if (Patches is not { } patches) return;
        if (patches is { Side: < 1 } or { Most: < 1 } || patches.Most * PatchCut.Numbers(patches.Side) > MostNumbers)
        {
            throw new ArgumentException($"there are {patches.Most} patches of {patches.Side} pixels a side; at least one of each is " +
                $"needed, and no more than {MostNumbers:N0} numbers for an image.");
        }
    }

    private static JsonArray Numbers(IReadOnlyList<float> values) => new([.. values.Select(v => JsonValue.Create(v))]);
}
