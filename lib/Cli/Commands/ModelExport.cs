using System.CommandLine;
using ClipNotebooks.Cli.Notebooks.Export;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Export;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Commands;

/// <summary>What `clipbook export --to onnx` does.</summary>
internal sealed class ModelExport
{
    private readonly Option<string?> _model = PreparedEncoder.ModelOption("onnx: the model's folder or Hub id");

    private readonly Option<ExportPrecision[]> _precision = new("--precision")
    {
        Description = "onnx: float32, float16 or int8, or several: each has its own files. float32 by default.",
        AllowMultipleArgumentsPerToken = true,
    };

    internal IEnumerable<Option> Options => [_model, _precision];

    /// <summary>Refuses options of the other kind of export.</summary>
    internal void Require(ParseResult parsed, ExportFormat format, Argument<string[]> lessons, params Option[] ofLessons)
    {
        bool model = format == ExportFormat.Onnx;
        if (model && parsed.GetValue(lessons) is { Length: > 0 } named)
            throw new UserError($"\"{named[0]}\" is a lesson's place, and --to onnx writes a model: name it with --model.", ExitCode.Usage);
        if ((model ? ofLessons : Options).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } wrong)
            throw new UserError($"{wrong.Name} is for {(model ? "lessons: use it with --to ipynb or --to cs"
                : "models: use it with --to onnx")}.", ExitCode.Usage);
    }

    /// <summary>Writes the model.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="output">The folder; named after the model by default.</param>
    /// <param name="cancellation">Cancels the export; no files are left behind.</param>
    internal int Run(ParseResult parsed, string? output, CancellationToken cancellation)
    {
        string model = parsed.GetValue(_model) ?? Lesson.Model;
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(model));
        string folder = output ?? Path.Combine(RepositoryRoot.TryFind() ?? ".", "artifacts", "onnx", name);
        var precisions = parsed.GetValue(_precision) is { Length: > 0 } asked ? asked : [ExportPrecision.Float32];
        try
        {
            foreach (string file in OnnxExport.Write(model, folder, precisions, cancellationToken: cancellation))
                Terminal.WriteLine($"{Path.Combine(folder, file)}  {new FileInfo(Path.Combine(folder, file)).Length / 1e3:N0} kB");
        }
        catch (IOException exception) when (exception is not FileNotFoundException)
        {
            throw new UserError(exception.Message, inner: exception);
        }
        return ExitCode.Success;
    }
}
