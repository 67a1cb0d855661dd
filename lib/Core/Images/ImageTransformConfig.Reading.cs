using System.Text.Json.Nodes;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Images;

/// <content>Reads the recipe from a model's files.</content>
public sealed partial record ImageTransformConfig
{
    private static readonly IReadOnlyList<float> Half = [0.5f, 0.5f, 0.5f];

    /// <summary>
    /// A key that the file leaves out has the default of Hugging Face's class: CLIP's class crops; SigLIP's squashes, and has mean and
    /// standard deviation 0.5.
    /// </summary>
    private static ImageTransformConfig HuggingFace(JsonObject root)
    {
        string type = Word(root, "image_processor_type") ?? Word(root, "feature_extractor_type") ?? "CLIPImageProcessor";
        bool siglip = type is "SiglipImageProcessor" or "SiglipImageProcessorFast";
        // ChineseCLIP's class is CLIP's own under another name.
        string clips = type.StartsWith("ChineseCLIP", StringComparison.Ordinal) ? type["Chinese".Length..] : type;
        if (type is "Siglip2ImageProcessor" or "Siglip2ImageProcessorFast" or "Siglip2ImageProcessorPil") return OfPatches(root);
        if (!siglip && clips is not ("CLIPImageProcessor" or "CLIPImageProcessorFast" or "CLIPFeatureExtractor"))
            throw new InvalidDataException($"\"image_processor_type\" is \"{type}\"; CLIP's, SigLIP's and SigLIP 2's are supported.");
        if (root["size"] is null && root["crop_size"] is null) throw new InvalidDataException("it has neither \"size\" nor \"crop_size\".");
        RequireSteps(root);
        foreach (string key in new[] { "do_pad", "use_square_size" })
            if (Flag(root, key) == true) throw new InvalidDataException($"\"{key}\" is true, which is not supported.");

        bool crops = !siglip && Flag(root, "do_center_crop") != false;
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
            Interpolation = Resample(root, 3),
            Mean = Spread(root, "image_mean", 0, siglip ? Half : new ImageTransformConfig().Mean),
            Std = Spread(root, "image_std", 1, siglip ? Half : new ImageTransformConfig().Std),
        };
    }

    /// <summary>SigLIP 2 NaFlex: a budget of patches in place of a size. A key left out has the default of transformers' class.</summary>
    private static ImageTransformConfig OfPatches(JsonObject root)
    {
        RequireSteps(root);
        int side = Value<int>(root, "patch_size", "a whole number") ?? 16;
        int most = Value<int>(root, "max_num_patches", "a whole number") ?? 256;
        if (side is < 1 or > 1024) throw new InvalidDataException($"\"patch_size\" is {side}; 1 to 1024 pixels are needed.");
        if (most is < 1 or > 65536) throw new InvalidDataException($"\"max_num_patches\" is {most}; 1 to 65536 are needed.");
        int square = side * (int)Math.Sqrt(most);
        return new ImageTransformConfig
        {
            ResizeSize = square,
            Size = square,
            ResizeMode = ResizeMode.Patches,
            Patches = (side, most),
            ConvertFirst = Flag(root, "do_convert_rgb") ?? true,
            Interpolation = Resample(root, 2),
            Mean = Spread(root, "image_mean", 0, Half),
            Std = Spread(root, "image_std", 1, Half),
        };
    }

    private static void RequireSteps(JsonObject root)
    {
        foreach (string key in new[] { "do_resize", "do_rescale" })
            if (Flag(root, key) == false) throw new InvalidDataException($"\"{key}\" is false, which is not supported.");
        if (Value<double>(root, "rescale_factor", "a number") is { } factor && Math.Abs(factor * 255 - 1) > 1e-6)
            throw new InvalidDataException($"\"rescale_factor\" is {factor}; 1 / 255 is supported.");
    }

    /// <summary>Pillow's number for a filter.</summary>
    private static Interpolation Resample(JsonObject root, int byDefault) =>
        (Value<int>(root, "resample", "a whole number") ?? byDefault) switch
        {
            0 => Interpolation.Nearest,
            2 => Interpolation.Bilinear,
            3 => Interpolation.Bicubic,
            var other => throw new InvalidDataException(
                $"\"resample\" is {other}; 0 (nearest), 2 (bilinear) and 3 (bicubic) are supported."),
        };

    /// <summary>A mean or a standard deviation; if <c>do_normalize</c> is false, the value that changes nothing.</summary>
    private static IReadOnlyList<float> Spread(JsonObject root, string key, float neutral, IReadOnlyList<float> byDefault) =>
        Flag(root, "do_normalize") == false ? [neutral, neutral, neutral] : Floats(root, key) ?? byDefault;

    private static ImageTransformConfig OpenClip(JsonObject root, int modelSize)
    {
        if (Word(root, "mode") is { } colours and not "RGB")
            throw new InvalidDataException($"\"mode\" is \"{colours}\"; RGB is supported.");
        int size = Side(root["size"], "size") ?? modelSize;
        var mode = (Word(root, "resize_mode") ?? "shortest") switch
        {
            "shortest" => ResizeMode.Shortest,
            "squash" => ResizeMode.Squash,
            "longest" => ResizeMode.Longest,
            var other => throw new InvalidDataException($"\"resize_mode\" is \"{other}\"; shortest, squash and longest are supported."),
        };
        if (mode == ResizeMode.Longest && root["fill_color"] is { } fill && Value<int>(root, "fill_color", "a whole number") != 0)
            throw new InvalidDataException($"\"fill_color\" is {fill}; 0 is supported.");
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
                var other => throw new InvalidDataException(
                    $"\"interpolation\" is \"{other}\"; bicubic, bilinear and nearest are supported."),
            },
            Mean = Floats(root, "mean") ?? new ImageTransformConfig().Mean,
            Std = Floats(root, "std") ?? new ImageTransformConfig().Std,
        };
    }

    /// <summary>A number, or several that are equal: only squares are supported.</summary>
    private static int? Side(JsonNode? node, string key)
    {
        if (node is null) return null;
        IEnumerable<JsonNode?> sides = node switch
        {
            JsonObject named => named.Select(side => side.Value),
            JsonArray pair => pair,
            _ => [node],
        };
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
        if (node is JsonArray { Count: 3 } numbers && numbers.All(IsFinite)) return [.. numbers.Select(item => item!.GetValue<float>())];
        string said = Quote.Cut(node.ToJsonString());
        throw new InvalidDataException($"\"{key}\" is {said}; three numbers are needed, for red, green and blue.");
    }

    private static bool IsFinite(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out float number) && float.IsFinite(number);

    private static bool? Flag(JsonObject root, string key) => Value<bool>(root, key, "true or false");

    private static T? Value<T>(JsonObject root, string key, string kind) where T : struct =>
        root[key] is not { } node ? null
            : node is JsonValue value && value.TryGetValue(out T content) ? content : throw Other(node, key, kind);

    private static string? Word(JsonObject root, string key) =>
        root[key] is not { } node ? null : node is JsonValue value && value.TryGetValue(out string? word)
            && word.Length <= Quote.Longest ? word : throw Other(node, key, "a word");

    private static InvalidDataException Other(JsonNode node, string key, string kind) =>
        new($"\"{key}\" is {Quote.Cut(node.ToJsonString())}; {kind} is needed.");
}
