using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Onnx;

/// <summary>The files of one model's graphs: its towers, the whole model, or both.</summary>
/// <param name="Vision">The image tower's graph; the whole model's if the two towers are not there.</param>
/// <param name="Text">The text tower's graph; the whole model's if the two towers are not there.</param>
/// <param name="Whole">The graph of both towers with their logits; null if there is none.</param>
internal sealed record OnnxFolder(string Vision, string Text, string? Whole)
{
    /// <summary>For each kind of weights, how its files' names end, in the order in which they are looked for.</summary>
    private static readonly Dictionary<OnnxWeights, string[]> Endings = new()
    {
        [OnnxWeights.Float32] = [""],
        [OnnxWeights.Float16] = ["_fp16"],
        [OnnxWeights.Int8] = ["_quantized", "_int8"],
    };

    /// <summary>transformers.js has the graphs in a folder of their own, optimum beside the configuration.</summary>
    private static readonly string[] Places = [Below, ""];

    internal const string Below = "onnx";

    /// <summary>The files to fetch from a model's repository: its towers, else the whole model.</summary>
    internal static HubFiles Wanted(OnnxWeights weights)
    {
        string[][] contents = [["vision_model", "text_model"], ["model"]];
        var sets = from content in contents from place in Places from ending in Endings[weights]
                   select content.Select(name => $"{(place.Length > 0 ? place + "/" : "")}{name}{ending}.onnx").ToArray();
        return HubFiles.Graphs([.. sets]);
    }

    /// <summary>Finds a model's graphs.</summary>
    /// <exception cref="FileNotFoundException">They are not there; the message says what was looked for, and what is there.</exception>
    /// <exception cref="InvalidDataException">One of them is a pipe or a device, is empty, or is a link that leads nowhere.</exception>
    internal static OnnxFolder Find(string folder, OnnxWeights weights)
    {
        if (!Directory.Exists(folder))
        {
            throw new FileNotFoundException($"There is no folder {folder} with a model as ONNX. Name one, in the layout of " +
                "transformers.js or optimum (configuration, tokenizer and recipe, and the graphs beside them or " +
                "in its folder onnx), or a model of the Hub such as Xenova/clip-vit-base-patch32.", folder);
        }
        string? whole = Existing(folder, weights, "model");
        string? vision = Existing(folder, weights, "vision_model"), text = Existing(folder, weights, "text_model");
        if ((vision is null || text is null) && whole is null)
            throw Missing(folder, weights, vision is null ? "vision_model" : "text_model");
        // One tower without the other is of no use: then the whole model's graph is used for both.
        return vision is not null && text is not null ? new OnnxFolder(vision, text, whole) : new OnnxFolder(whole!, whole!, whole);
    }

    private static string? Existing(string folder, OnnxWeights weights, string name)
    {
        string? path = Places.SelectMany(place => Endings[weights].Select(ending => Path.Combine(folder, place, $"{name}{ending}.onnx")))
            .FirstOrDefault(File.Exists);
        if (path is not null) ModelFile.RequireReadable(path);
        return path;
    }

    private static FileNotFoundException Missing(string folder, OnnxWeights weights, string name)
    {
        string wanted = string.Join(" or ", Endings[weights].Select(ending => $"{name}{ending}.onnx"));
        string others = string.Join(", ", Enum.GetValues<OnnxWeights>()
            .Where(kind => kind != weights && (Existing(folder, kind, name) ?? Existing(folder, kind, "model")) is not null));
        string cure = others.Length > 0 ? $"Its graphs are in {others}: ask for these with OnnxOptions.Weights"
            : "Export the model to ONNX, or name the folder that has its graphs";
        return new FileNotFoundException($"{folder} holds no {wanted}, nor the whole as model{Endings[weights][0]}.onnx, beside " +
            $"config.json or in its folder onnx. {cure}.", Path.Combine(folder, "onnx", $"{name}{Endings[weights][0]}.onnx"));
    }
}
