using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// The embedded models as scripts beside the pages of a book: the forward pass, and the weights of each model. A page loads those that one
/// of its interactives names when the reader first touches it.
/// </summary>
public static class InteractiveModel
{
    /// <summary>The model of the drawn scenes, both towers.</summary>
    internal const string Scenes = "scenes";

    /// <summary>The text tower of the emoji model, which searches pictures that were embedded before.</summary>
    internal const string Emoji = "emoji";

    private const string Forward = "clip-model.js";

    private static readonly (string Kind, string File)[] Kinds = [(Scenes, "clip-weights.js"), (Emoji, "clip-emoji.js")];

    /// <summary>The scripts that a page with this markup loads; empty if nothing in it computes.</summary>
    public static IReadOnlyList<string> FilesOf(string html)
    {
        ArgumentNullException.ThrowIfNull(html);
        string[] weights = [.. Kinds.Where(kind => html.Contains(Mark(kind.Kind) + " lang=\"", StringComparison.Ordinal))
            .Select(kind => kind.File)];
        return weights.Length == 0 ? [] : [Forward, .. weights];
    }

    /// <summary>The elements of a page's head that say where the scripts for its markup lie.</summary>
    public static string HeadOf(string html)
    {
        var files = FilesOf(html);
        return string.Concat(Kinds.Where(kind => files.Contains(kind.File))
            .Select(kind => $"<meta name=\"clip-{kind.Kind}\" content=\"{Forward} {kind.File}\">"));
    }

    /// <summary>Makes a script anew: the forward pass as the library has it, or a model's weights with 16 bits for each number.</summary>
    /// <param name="file">One of the names that <see cref="FilesOf"/> gives.</param>
    /// <exception cref="FileNotFoundException">The embedded model is not there.</exception>
    /// <exception cref="CheckpointException">Its weights are damaged.</exception>
    public static string Create(string file) => file == Forward ? Interactive.Resource("model.js")
        : file == Kinds[0].File ? Weights(Folder) : TextWeights(Lesson.EmojiModel);

    /// <summary>The attribute by which markup asks for a model, with a quotation mark before it.</summary>
    internal static string Mark(string kind) => $"\" data-model=\"{kind}\"";

    /// <summary>
    /// Opens the same model in the library, whichever model the lesson uses, so that still forms and pages show the same.
    /// </summary>
    internal static ClipEncoder Open(string kind = Scenes) => ClipEncoder.FromPretrained(kind == Emoji ? Lesson.EmojiModel : Folder, CPU);

    /// <summary>The note that a page has if the lesson uses another model than the one in the page; empty if it is the same.</summary>
    /// <param name="inUse">The lesson's model, a folder or a Hub id.</param>
    internal static string Note(string inUse)
    {
        if (inUse == Folder) return "";
        string text = Lesson.In(
            $"Below, the embedded model answers and not {inUse}: it is the one that computes in the page.",
            $"아래에서는 {inUse} 대신, 페이지 안에서 계산하는 내장 모델이 답합니다.");
        return $"<p style=\"font-size:0.85em;margin:0.3em 0\">{Markup.Escape(text)}</p>";
    }

    private static string Folder => Path.Combine(Lesson.Data, "models", "tiny-clip");

    private static string Weights(string folder)
    {
        using var weights = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        using var scope = NewDisposeScope();
        return Script(folder, Scenes, Read(folder, "config.json"), weights.Names.Select(name => (name, weights.Read(name))));
    }

    /// <summary>The weights of the text tower alone, under Hugging Face's names, which the forward pass uses.</summary>
    private static string TextWeights(string folder)
    {
        using var model = ClipCheckpoint.FromPretrained(folder, CPU);
        using var scope = NewDisposeScope();
        var text = HuggingFaceConfig.TextSection(model.Config.Text, model.Config.TextBlock, "clip_text_model");
        (text["bos_token_id"], text["eos_token_id"]) = (model.Config.Text.VocabularySize - 2, model.Config.Text.EndOfTextId);
        JsonObject config = new() { ["projection_dim"] = model.Config.EmbeddingWidth, ["text_config"] = text };
        var weights = model.state_dict().Where(weight => !weight.Key.StartsWith("visual.", StringComparison.Ordinal));
        return Script(folder, Emoji, config.ToJsonString(), weights.SelectMany(weight => Renamed(weight.Key, weight.Value)));
    }

    private static IEnumerable<(string Name, Tensor Values)> Renamed(string name, Tensor values)
    {
        var source = ParameterNames.Source(name, ParameterNaming.HuggingFace);
        Tensor[] parts = source.Sources.Count > 1 ? values.chunk(source.Sources.Count, 0) : [source.Transposed ? values.t() : values];
        return source.Sources.Zip(parts);
    }

    private static string Script(string folder, string kind, string config, IEnumerable<(string Name, Tensor Values)> weights)
    {
        var halves = weights.Select(tensor => (tensor.Name, Values: tensor.Values.detach().to(float16).contiguous())).ToList();
        using var bytes = new MemoryStream();
        foreach (var (_, values) in halves) bytes.Write(values.bytes);
        string[] tokens = [.. JsonSerializer.Deserialize<Dictionary<string,
            int>>(Read(folder, "vocab.json"))!.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        string[] merges = [.. TextFile.ReadLines(Path.Combine(folder, "merges.txt"))
            .Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal))];
        return $$"""
            (window.clipWeights = window.clipWeights || {}).{{kind}} = {
            "config": {{config}},
            "preprocessor": {{Read(folder, "preprocessor_config.json")}},
            "vocabulary": {{JsonSerializer.Serialize(tokens)}},
            "merges": {{JsonSerializer.Serialize(merges)}},
            "tensors": {{JsonSerializer.Serialize(halves.Select(half => new object[] { half.Name, half.Values.numel() }))}},
            "data": "{{Convert.ToBase64String(bytes.GetBuffer(), 0, (int)bytes.Length)}}"
            };

            """;
    }

    private static string Read(string folder, string name) => TextFile.Read(Path.Combine(folder, name));
}
