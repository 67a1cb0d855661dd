using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Base;

namespace ClipNotebooks.Clip.Images;

/// <summary>
/// What a model asks of its images; the defaults are OpenAI's. Read from <c>preprocessor_config.json</c>, or from transformers 5's
/// <c>processor_config.json</c>.
/// </summary>
public sealed record ImageTransformConfig
{
    /// <summary>The side to which the image is resized, in pixels.</summary>
    public int ResizeSize { get; init; } = 224;

    /// <summary>R, the side of the square that is cut out, in pixels.</summary>
    public int Size { get; init; } = 224;

    /// <summary>How the image comes to a square.</summary>
    public ResizeMode ResizeMode { get; init; } = ResizeMode.Shortest;

    /// <summary>
    /// Whether images become RGB before the resize, as in transformers (<c>do_convert_rgb</c>). If not, they are resized in their file's
    /// own
    /// layout, as in openai/CLIP and open_clip: palettes by nearest neighbour, 16-bit gray in 16 bits, CMYK as ink.
    /// </summary>
    public bool ConvertFirst { get; init; }

    /// <summary>Whether the square is cut out of the middle; if not, an image that is not square stays so
    /// (<c>do_center_crop</c>).</summary>
    public bool CenterCrop { get; init; } = true;

    /// <summary>
    /// Whether the crop begins at the half of the rest rounded down, as in transformers; torchvision, in openai/CLIP and open_clip,
    /// rounds halves
    /// to even.
    /// </summary>
    public bool CropRoundsDown { get; init; }

    /// <summary>How pixels between pixels are found.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>What is subtracted from red, green and blue in 0–1.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>What the difference is divided by.</summary>
    public IReadOnlyList<float> Std { get; init; } = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>
    /// Reads Hugging Face's <c>preprocessor_config.json</c>, the same under <c>image_processor</c> in <c>processor_config.json</c>, or
    /// OpenCLIP's <c>preprocess_cfg</c> (alone or within <c>open_clip_config.json</c>).
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not JSON, or a value is missing or out of its range; the message names file and key.</exception>
    /// <param name="path">The file.</param>
    /// <param name="modelSize">R of the model, for an OpenCLIP configuration that leaves its size out; 224 by default.</param>
    public static ImageTransformConfig Load(string path, int? modelSize = null)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no {Path.GetFileName(path)} in {Path.GetDirectoryName(path)}, which says how the model's images are prepared. Copy it from where the model came from; of a model of the Hub, \"clipbook download ID\" fetches what its folder lacks.", path);
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
        catch (Exception exception) when (exception is JsonException or InvalidDataException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"{path} does not say how to prepare images: {(exception is JsonException ? "it is not JSON. " : "")}{exception.Message} Correct it, or copy it anew from where the model came from.", exception);
        }
    }

    /// <summary>
    /// Writes Hugging Face's form, beside its place first and then renamed. It has no place for <see cref="CropRoundsDown"/>, which is
    /// true of
    /// what is read back.
    /// </summary>
    public void Save(string path)
    {
        var size = ResizeMode == ResizeMode.Squash
            ? new JsonObject { ["height"] = ResizeSize, ["width"] = ResizeSize }
            : new JsonObject { [ResizeMode == ResizeMode.Shortest ? "shortest_edge" : "longest_edge"] = ResizeSize };
        var json = new JsonObject
        {
            ["crop_size"] = new JsonObject { ["height"] = Size, ["width"] = Size },
            ["do_center_crop"] = CenterCrop && (ResizeMode == ResizeMode.Shortest || Size != ResizeSize),
            ["do_convert_rgb"] = ConvertFirst,
            ["do_normalize"] = true,
            ["do_rescale"] = true,
            ["do_resize"] = true,
            ["image_mean"] = Numbers(Mean),
            ["image_processor_type"] = "CLIPImageProcessor",
            ["image_std"] = Numbers(Std),
            ["resample"] = Interpolation switch { Interpolation.Nearest => 0, Interpolation.Bilinear => 2, _ => 3 },
            ["rescale_factor"] = 1 / 255.0,
            ["size"] = size,
        };
        AtomicFile.Write(path, json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }

    /// <summary>Whether a <c>processor_config.json</c> says how images are prepared; true of a damaged one.</summary>
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
        if (Size < 1 || ResizeSize < 1) throw new ArgumentException($"the sizes are {ResizeSize} and {Size}; they must be at least 1 pixel.");
        if (Mean.Count != 3 || Std.Count != 3) throw new ArgumentException("mean and std must have one number for each of red, green and blue.");
        if (Std.Any(s => !(s > 0))) throw new ArgumentException($"std is {string.Join(", ", Std)}; each must be above 0.");
        if (!Mean.Zip(Std).All(pair => float.IsFinite((0 - pair.First) / pair.Second) && float.IsFinite((1 - pair.First) / pair.Second)))
        {
            throw new ArgumentException(
                $"mean {string.Join(", ", Mean)} and std {string.Join(", ", Std)} make infinities of pixels, (x / 255 − mean) / std.");
        }
        if (!CenterCrop && Size != ResizeSize) throw new ArgumentException($"there is no crop, and the sizes are {ResizeSize} and {Size}.");
    }

    /// <summary>What a file leaves out has the value of Hugging Face's class: CLIP's crops, SigLIP's squashes and has mean and standard deviation 0.5.</summary>
    private static ImageTransformConfig HuggingFace(JsonObject root)
    {
        string type = Word(root, "image_processor_type") ?? Word(root, "feature_extractor_type") ?? "CLIPImageProcessor";
        bool siglip = type is "SiglipImageProcessor" or "SiglipImageProcessorFast";
        // ChineseCLIP's is CLIP's own under another name.
        string clips = type.StartsWith("ChineseCLIP", StringComparison.Ordinal) ? type["Chinese".Length..] : type;
        if (!siglip && clips is not ("CLIPImageProcessor" or "CLIPImageProcessorFast" or "CLIPFeatureExtractor"))
            throw new InvalidDataException($"\"image_processor_type\" is \"{type}\"; CLIP's and SigLIP's are supported.");
        if (root["size"] is null && root["crop_size"] is null) throw new InvalidDataException("it has neither \"size\" nor \"crop_size\".");
        foreach (string key in new[] { "do_resize", "do_rescale" })
            if (Flag(root, key) == false) throw new InvalidDataException($"\"{key}\" is false, which is not supported.");
        foreach (string key in new[] { "do_pad", "use_square_size" })
            if (Flag(root, key) == true) throw new InvalidDataException($"\"{key}\" is true, which is not supported.");
        if (Value<double>(root, "rescale_factor", "a number") is { } factor && Math.Abs(factor * 255 - 1) > 1e-6) throw new InvalidDataException($"\"rescale_factor\" is {factor}; 1 / 255 is supported.");

        bool crops = !siglip && Flag(root, "do_center_crop") != false, normalises = Flag(root, "do_normalize") ?? true;
        int resize = Side(root["size"], "size") ?? 224;
        var mode = root["size"] is JsonObject sides
            ? sides.ContainsKey("shortest_edge") ? ResizeMode.Shortest : sides.ContainsKey("longest_edge") ? ResizeMode.Longest
                : ResizeMode.Squash
            : siglip ? ResizeMode.Squash : ResizeMode.Shortest;
        return new ImageTransformConfig
        {
            ResizeSize = resize,
            Size = crops ? Side(root["crop_size"], "crop_size") ?? 224 : resize,
            ConvertFirst = Flag(root, "do_convert_rgb") ?? !siglip,
            CenterCrop = crops || mode != ResizeMode.Shortest,
            CropRoundsDown = true,
            ResizeMode = mode,
            Interpolation = (Value<int>(root, "resample", "a whole number") ?? 3) switch
            {
                0 => Interpolation.Nearest,
                2 => Interpolation.Bilinear,
                3 => Interpolation.Bicubic,
                var other => throw new InvalidDataException($"\"resample\" is {other}; 0 (nearest), 2 (bilinear) and 3 (bicubic) are supported."),
            },
            Mean = !normalises ? [0, 0, 0] : Floats(root, "image_mean") ?? (siglip ? [0.5f, 0.5f, 0.5f] : new ImageTransformConfig().Mean),
            Std = !normalises ? [1, 1, 1] : Floats(root, "image_std") ?? (siglip ? [0.5f, 0.5f, 0.5f] : new ImageTransformConfig().Std),
        };
    }

    private static ImageTransformConfig OpenClip(JsonObject root, int modelSize)
    {
        if (Word(root, "mode") is { } colours and not "RGB") throw new InvalidDataException($"\"mode\" is \"{colours}\"; RGB is supported.");
        int size = Side(root["size"], "size") ?? modelSize;
        var mode = (Word(root, "resize_mode") ?? "shortest") switch
        {
            "shortest" => ResizeMode.Shortest,
            "squash" => ResizeMode.Squash,
            "longest" => ResizeMode.Longest,
            var other => throw new InvalidDataException($"\"resize_mode\" is \"{other}\"; shortest, squash and longest are supported."),
        };
        if (mode == ResizeMode.Longest && root["fill_color"] is { } fill && Value<int>(root, "fill_color", "a whole number") != 0) throw new InvalidDataException($"\"fill_color\" is {fill}; 0 is supported.");
        return new ImageTransformConfig
        {
            ResizeSize = size,
            Size = size,
            ResizeMode = mode,
            Interpolation = (Word(root, "interpolation") ?? "bicubic") switch
            {
                "bicubic" => Interpolation.Bicubic,
                "bilinear" => Interpolation.Bilinear,
                "nearest" => Interpolation.Nearest,
                var other => throw new InvalidDataException($"\"interpolation\" is \"{other}\"; bicubic, bilinear and nearest are supported."),
            },
            Mean = Floats(root, "mean") ?? new ImageTransformConfig().Mean,
            Std = Floats(root, "std") ?? new ImageTransformConfig().Std,
        };
    }

    /// <summary>A number, or several that are equal: only squares are supported.</summary>
    private static int? Side(JsonNode? node, string key)
    {
        if (node is null) return null;
        IEnumerable<JsonNode?> sides = node switch { JsonObject named => named.Select(side => side.Value), JsonArray pair => pair, _ => [node] };
        var values = sides.Select(side => side is JsonValue value && value.TryGetValue(out int number) ? number :
            throw new InvalidDataException($"\"{key}\" is {Quote.Cut(node.ToJsonString())}; pixels are needed.")).Distinct().ToList();
        return values.Count switch
        {
            1 => values[0],
            0 => throw new InvalidDataException($"\"{key}\" has no side."),
            _ => throw new InvalidDataException($"\"{key}\" has several sides ({string.Join(" x ", values)}); only squares are supported."),
        };
    }

    private static float[]? Floats(JsonObject root, string key)
    {
        if (root[key] is not { } node) return null;
        return node is JsonArray { Count: 3 } numbers && numbers.All(item => item is JsonValue value && value.TryGetValue(out float number) && float.IsFinite(number))
            ? [.. numbers.Select(item => item!.GetValue<float>())]
            : throw new InvalidDataException($"\"{key}\" is {Quote.Cut(node.ToJsonString())}; three numbers are needed, for red, " +
                $"green and blue.");
    }

    private static bool? Flag(JsonObject root, string key) => Value<bool>(root, key, "true or false");

    private static T? Value<T>(JsonObject root, string key, string kind) where T : struct =>
        root[key] is not { } node ? null : node is JsonValue value && value.TryGetValue(out T content) ? content : throw Other(node, key, kind);

    private static string? Word(JsonObject root, string key) =>
        root[key] is not { } node ? null : node is JsonValue value && value.TryGetValue(out string? word)
            && word.Length <= Quote.Longest ? word : throw Other(node, key, "a word");

    private static InvalidDataException Other(JsonNode node, string key, string kind) =>
        new($"\"{key}\" is {Quote.Cut(node.ToJsonString())}; {kind} is needed.");

    private static JsonArray Numbers(IReadOnlyList<float> values) => new([.. values.Select(v => JsonValue.Create(v))]);
}
