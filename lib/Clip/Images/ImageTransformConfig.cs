using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClipNotebooks.Clip.Images;

/// <summary>What a model asks of its images; the defaults are OpenAI's. Read from <c>preprocessor_config.json</c>.</summary>
public sealed record ImageTransformConfig
{
    /// <summary>The side to which the image is resized, in pixels.</summary>
    public int ResizeSize { get; init; } = 224;

    /// <summary>R, the side of the square that is cut out, in pixels.</summary>
    public int Size { get; init; } = 224;

    /// <summary>How the image comes to a square.</summary>
    public ResizeMode ResizeMode { get; init; } = ResizeMode.Shortest;

    /// <summary>How pixels between pixels are found.</summary>
    public Interpolation Interpolation { get; init; } = Interpolation.Bicubic;

    /// <summary>What is subtracted from red, green and blue in 0–1.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.48145466f, 0.4578275f, 0.40821073f];

    /// <summary>What the difference is divided by.</summary>
    public IReadOnlyList<float> Std { get; init; } = [0.26862954f, 0.26130258f, 0.27577711f];

    /// <summary>Reads Hugging Face's <c>preprocessor_config.json</c>, or OpenCLIP's <c>preprocess_cfg</c> (alone or within <c>open_clip_config.json</c>).</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not JSON, or a value is missing or out of its range; the message names file and key.</exception>
    public static ImageTransformConfig Load(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no image configuration at {path}; a model's folder holds one as preprocessor_config.json.", path);
        try
        {
            var root = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new InvalidDataException("it is not a JSON object");
            var open = root["preprocess_cfg"] as JsonObject ?? (root.ContainsKey("resize_mode") || root.ContainsKey("mean") ? root : null);
            var config = open is null ? HuggingFace(root) : OpenClip(open);
            config.Validate();
            return config;
        }
        catch (Exception exception) when (exception is JsonException or InvalidDataException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"{path} does not say how to prepare images: {exception.Message}", exception);
        }
    }

    /// <summary>Writes Hugging Face's form, beside its place first and then renamed.</summary>
    public void Save(string path)
    {
        var size = ResizeMode == ResizeMode.Squash
            ? new JsonObject { ["height"] = ResizeSize, ["width"] = ResizeSize }
            : new JsonObject { [ResizeMode == ResizeMode.Shortest ? "shortest_edge" : "longest_edge"] = ResizeSize };
        var json = new JsonObject
        {
            ["crop_size"] = new JsonObject { ["height"] = Size, ["width"] = Size },
            ["do_center_crop"] = ResizeMode == ResizeMode.Shortest,
            ["do_convert_rgb"] = true,
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
        string beside = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            File.WriteAllText(beside, json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
            File.Move(beside, path, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    internal void Validate()
    {
        if (Size < 1 || ResizeSize < 1) throw new ArgumentException($"the sizes are {ResizeSize} and {Size}; they must be at least 1 pixel.");
        if (Mean.Count != 3 || Std.Count != 3) throw new ArgumentException("mean and std must have one number for each of red, green and blue.");
        if (Std.Any(s => !(s > 0))) throw new ArgumentException($"std is {string.Join(", ", Std)}; each must be above 0.");
    }

    private static ImageTransformConfig HuggingFace(JsonObject root)
    {
        if (!root.ContainsKey("size") && !root.ContainsKey("crop_size")) throw new InvalidDataException("it has neither \"size\" nor \"crop_size\".");
        var size = root["size"];
        // Where the file is silent, Hugging Face's class decides: CLIP's crops, SigLIP's squashes.
        bool siglip = root["image_processor_type"]?.GetValue<string>().StartsWith("Siglip", StringComparison.Ordinal) ?? false;
        bool crops = root["do_center_crop"]?.GetValue<bool>() ?? !siglip;
        var mode = size is JsonObject o && o.ContainsKey("longest_edge") ? ResizeMode.Longest
            : size is JsonObject p && p.ContainsKey("height") && !crops ? ResizeMode.Squash
            : ResizeMode.Shortest;
        int resize = Side(size ?? root["crop_size"], "size");
        return new ImageTransformConfig
        {
            ResizeSize = resize,
            Size = crops && root["crop_size"] is { } crop ? Side(crop, "crop_size") : resize,
            ResizeMode = mode,
            Interpolation = (root["resample"]?.GetValue<int>() ?? 3) switch
            {
                0 => Interpolation.Nearest,
                2 => Interpolation.Bilinear,
                3 => Interpolation.Bicubic,
                var other => throw new InvalidDataException($"\"resample\" is {other}; 0 (nearest), 2 (bilinear) and 3 (bicubic) are supported."),
            },
            Mean = Floats(root, "image_mean") ?? new ImageTransformConfig().Mean,
            Std = Floats(root, "image_std") ?? new ImageTransformConfig().Std,
        };
    }

    private static ImageTransformConfig OpenClip(JsonObject root) => new()
    {
        ResizeSize = root["size"] is { } size ? Side(size, "size") : 224,
        Size = root["size"] is { } crop ? Side(crop, "size") : 224,
        ResizeMode = (root["resize_mode"]?.GetValue<string>() ?? "shortest") switch
        {
            "shortest" => ResizeMode.Shortest,
            "squash" => ResizeMode.Squash,
            "longest" => ResizeMode.Longest,
            var other => throw new InvalidDataException($"\"resize_mode\" is \"{other}\"; shortest, squash and longest are supported."),
        },
        Interpolation = (root["interpolation"]?.GetValue<string>() ?? "bicubic") switch
        {
            "bicubic" => Interpolation.Bicubic,
            "bilinear" => Interpolation.Bilinear,
            "nearest" => Interpolation.Nearest,
            var other => throw new InvalidDataException($"\"interpolation\" is \"{other}\"; bicubic, bilinear and nearest are supported."),
        },
        Mean = Floats(root, "mean") ?? new ImageTransformConfig().Mean,
        Std = Floats(root, "std") ?? new ImageTransformConfig().Std,
    };

    private static int Side(JsonNode? node, string key)
    {
        switch (node)
        {
            case JsonObject sides:
                var values = sides.Select(side => side.Value!.GetValue<int>()).Distinct().ToList();
                return values.Count == 1 ? values[0] : throw new InvalidDataException($"\"{key}\" has several sides ({string.Join(" x ", values)}); only squares are supported.");
            case JsonArray pair:
                return pair.Select(side => side!.GetValue<int>()).Distinct().Single();
            case { }:
                return node.GetValue<int>();
            default:
                throw new InvalidDataException($"\"{key}\" is missing.");
        }
    }

    private static float[]? Floats(JsonObject root, string key) => root[key] is JsonArray numbers ? [.. numbers.Select(n => n!.GetValue<float>())] : null;

    private static JsonArray Numbers(IReadOnlyList<float> values) => new([.. values.Select(v => JsonValue.Create((decimal)v))]);
}
