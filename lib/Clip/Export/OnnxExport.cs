using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// Models as ONNX, in the layout of transformers.js and optimum: <c>onnx/vision_model.onnx</c>, <c>onnx/text_model.onnx</c> and
/// <c>onnx/model.onnx</c>, both towers with the logits, beside configuration, tokenizer and image recipe.
/// </summary>
public static class OnnxExport
{
    /// <summary>Writes a model. The folder appears only once everything in it is complete.</summary>
    /// <param name="idOrFolder">A folder with a model, or a Hub id such as <c>openai/clip-vit-base-patch32</c>.</param>
    /// <param name="folder">The destination; must not exist yet, or be empty.</param>
    /// <param name="precisions">The precisions of the graphs, at least one, each with its own files; float32 alone by default.</param>
    /// <param name="progress">Receives the name of each file before it is written.</param>
    /// <param name="cancellationToken">Cancels the export; no files are left behind.</param>
    /// <returns>The files, relative to the folder.</returns>
    /// <exception cref="ArgumentException">The folder's name is empty, or no precision is named.</exception>
    /// <exception cref="IOException">There is something in the folder already, or it cannot be written.</exception>
    /// <exception cref="FileNotFoundException">The model's folder lacks a file; the message says which.</exception>
    /// <exception cref="CheckpointException">The model's files are damaged, or do not fit each other.</exception>
    /// <exception cref="HubException">The Hub id's model is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="NotSupportedException">The model has a part that is not exported; the message names its key.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was triggered.</exception>
    public static IReadOnlyList<string> Write(string idOrFolder, string folder, IReadOnlyCollection<ExportPrecision>? precisions = null,
        IProgress<string>? progress = null, CancellationToken cancellationToken = default) =>
        Write(idOrFolder, folder, precisions ?? [ExportPrecision.Float32], OnnxFile.MessageLimit, progress, cancellationToken);

    /// <summary>The same with a limit in bytes: a graph whose weights exceed it stores them in a second file.</summary>
    internal static IReadOnlyList<string> Write(string idOrFolder, string folder, IReadOnlyCollection<ExportPrecision> precisions,
        long limit, IProgress<string>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (precisions.Count == 0) throw new ArgumentException("No precision is named.", nameof(precisions));
        if (File.Exists(folder) || Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new IOException($"{folder} is there already: name another folder, or remove it first.");
        string from = HuggingFaceHub.Resolve(idOrFolder), path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        using var weights = NewDisposeScope();
        using var model = ClipCheckpoint.FromPretrained(from);
        var writer = new ModelWriter(model);
        WholeFolder.Write(path, beside =>
        {
            string graphs = Path.Combine(beside, "onnx");
            Directory.CreateDirectory(graphs);
            string fingerprint = WeightFingerprint.Of(model, ExportedFolder.Write(from, beside, model.Config));
            foreach (var precision in precisions.Distinct())
            {
                // Embeddings in 8 bits deviate too much from the model's to share its fingerprint.
                string? own = precision == ExportPrecision.Int8 ? null : fingerprint;
                Graph(graphs, "vision_model", writer.Vision, precision, own);
                Graph(graphs, "text_model", writer.Text, precision, own);
                Graph(graphs, "model", writer.Whole, precision, own);
            }
            cancellationToken.ThrowIfCancellationRequested();
        });
        return [.. Directory.GetFiles(path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(path, file)).Order(
            StringComparer.Ordinal)];

        void Graph(string graphs, string name, Func<ExportPrecision, OnnxGraph> make, ExportPrecision precision, string? fingerprint)
        {
            string file = $"{name}{Suffix(precision)}.onnx";
            progress?.Report(file);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            OnnxFile.Write(make(precision), Path.Combine(graphs, file), limit, fingerprint, cancellationToken);
        }
    }

    private static string Suffix(ExportPrecision precision) => precision switch
    {
        ExportPrecision.Float16 => "_fp16",
        ExportPrecision.Int8 => "_quantized",
        _ => "",
    };
}
