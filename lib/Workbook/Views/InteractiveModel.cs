using System.Text.Json;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// The embedded model as two scripts that lie beside the pages of a book: its forward pass, and its weights. A page loads them when one of
/// its interactives is first touched.
/// </summary>
public static class InteractiveModel
{
    /// <summary>The attribute by which markup asks for the model.</summary>
    internal const string Mark = "data-model";

    /// <summary>The scripts' names.</summary>
    public static IReadOnlyList<string> Files { get; } = ["clip-model.js", "clip-weights.js"];

    /// <summary>Whether a page with this markup loads the model.</summary>
    public static bool IsAskedForBy(string html)
    {
        ArgumentNullException.ThrowIfNull(html);
        return html.Contains($"\" {Mark} lang=\"", StringComparison.Ordinal);
    }

    /// <summary>The element of a page's head that says where the scripts lie.</summary>
    public static string Head => $"<meta name=\"clip-model\" content=\"{string.Join(' ', Files)}\">";

    /// <summary>
    /// Makes a script anew: the forward pass as it is in the library, or the weights of data/models/tiny-clip with 16 bits a number.
    /// </summary>
    /// <param name="file">One of <see cref="Files"/>.</param>
    /// <exception cref="FileNotFoundException">The embedded model is not there.</exception>
    /// <exception cref="CheckpointException">Its weights are damaged.</exception>
    public static string Create(string file) => file == Files[0] ? Interactive.Resource("model.js") : Weights(Folder);

    /// <summary>The same model in the library, whichever one the lesson uses: still forms and pages then say the same.</summary>
    internal static ClipEncoder Open() => ClipEncoder.FromPretrained(Folder, CPU);

    /// <summary>What a page says where the lesson uses another model than the one in the page; nothing where it is the same.</summary>
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
        var halves = weights.Names.Select(name => (Name: name, Values: weights.Read(name).to(float16).contiguous())).ToList();
        using var bytes = new MemoryStream();
        foreach (var (_, values) in halves) bytes.Write(values.bytes);
        string[] tokens = [.. JsonSerializer.Deserialize<Dictionary<string,
            int>>(Read("vocab.json"))!.OrderBy(pair => pair.Value).Select(pair => pair.Key)];
        string[] merges = [.. TextFile.ReadLines(Path.Combine(folder, "merges.txt"))
            .Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal))];
        return $$"""
            window.clipWeights = {
            "config": {{Read("config.json")}},
            "preprocessor": {{Read("preprocessor_config.json")}},
            "vocabulary": {{JsonSerializer.Serialize(tokens)}},
            "merges": {{JsonSerializer.Serialize(merges)}},
            "tensors": {{JsonSerializer.Serialize(halves.Select(half => new object[] { half.Name, half.Values.numel() }))}},
            "data": "{{Convert.ToBase64String(bytes.GetBuffer(), 0, (int)bytes.Length)}}"
            };

            """;

        string Read(string name) => TextFile.Read(Path.Combine(folder, name));
    }
}
