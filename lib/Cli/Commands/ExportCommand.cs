using System.CommandLine;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Export;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Base;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook export`: lessons as Jupyter notebooks or as programs, models as ONNX.</summary>
internal static class ExportCommand
{
    internal static Command Create()
    {
        Argument<string[]> lessons = new("lessons") { Description = "Paths, names or numbers of lessons, of the Korean ones as ko/03; " +
            "all below notebooks if none.", Arity = ArgumentArity.ZeroOrMore };
        Option<ExportFormat> to = new("--to")
        {
            Description = "ipynb: a Jupyter notebook. cs: a program of one file, for `dotnet run`. onnx: a model.", Required = true,
        };
        Option<bool> outputs = new("--outputs") { Description = "Run the lessons, and keep in the notebooks what their cells show." };
        Option<bool> absolute = new("--absolute") { Description = "Name the library by its absolute path in notebooks, for engines that " +
            "do not look from a notebook's folder, such as Verso." };
        Option<string?> language = new("--language") { Description = $"One language alone: {Edition.Languages}. Default: all." };
        Option<string?> output = new("--output")
        {
            Description = "Folder of the files; the Korean lessons go to its ko. Default: artifacts/ipynb, artifacts/cs or " +
                "artifacts/onnx/NAME in the repository.",
        };
        Option<double> timeout = new("--timeout") { Description = "Seconds a lesson may take under --outputs.", DefaultValueFactory = _ =>
            600 };
        ModelExport model = new();
        Command command = new("export", $"""
            Writes lessons for readers who open them elsewhere: the .dib files stay the only ones that are written by hand. Or writes a
            model as ONNX, for any runtime of it and for transformers.js: image tower, text tower and the whole, beside configuration,
            tokenizer and image recipe. The folder appears whole or not at all. Every model that is read is written
            but one whose tower does not pool ("pool_type" "none"), which gives no embedding.

            Examples:
              clipbook export --to ipynb                       notebooks for Jupyter's .NET (C#) kernel
              clipbook export 04 --to ipynb --outputs          one, executed: for viewers that run nothing
              clipbook export --to cs --language en            programs: dotnet run artifacts/cs/04-contrastive-loss.cs
              clipbook export ko/04 --to cs --output programs
              clipbook export --to onnx --model openai/clip-vit-base-patch32 --output clip-onnx
              clipbook export --to onnx --precision float32 float16 int8

            {ExitCode.Help}
            """) { lessons, to, outputs, absolute, language, output, timeout };
        foreach (var option in model.Options) command.Options.Add(option);
        command.SetAction((parsed, token) =>
        {
            ExportFormat format = parsed.GetValue(to);
            model.Require(parsed, format, lessons, outputs, absolute, language, timeout);
            if (format == ExportFormat.Onnx)
                return Task.Run(() => model.Run(parsed, parsed.GetValue(output), token), CancellationToken.None);
            bool executed = parsed.GetValue(outputs);
            if (format != ExportFormat.Ipynb && (executed || parsed.GetValue(absolute)))
                throw new UserError($"--{(executed ? "outputs" : "absolute")} is for notebooks: use it with --to ipynb. (A program shows " +
                    $"its outputs when it is run, and finds the library from where it lies.)", ExitCode.Usage);
            RunOptions run = new() { Timeout = RunCommand.Timeout(parsed.GetValue(timeout)), KeepGoing = true };
            string? root = RepositoryRoot.TryFind();
            var paths = LessonRunner.Find(parsed.GetValue(lessons) ?? [], [], Edition.Named(parsed.GetValue(language)), root);
            string folder = parsed.GetValue(output) ?? Path.Combine(root ?? ".", "artifacts", Extension(format));
            return ExportAsync(paths, format, executed ? run : null, parsed.GetValue(absolute), folder, token);
        });
        return command;
    }

    private static string Extension(ExportFormat format) => format == ExportFormat.Cs ? "cs" : "ipynb";

    private static async Task<int> ExportAsync(IReadOnlyList<string> paths, ExportFormat format, RunOptions? run, bool absolute,
        string folder, CancellationToken token)
    {
        Dictionary<string, string> targets = paths.ToDictionary(
            path => path, path => Path.Combine(Edition.Of(path).Folder(folder),
            Path.GetFileNameWithoutExtension(path) + "." + Extension(format)));
        if (targets.GroupBy(target => Path.GetFullPath(target.Value)).FirstOrDefault(group => group.Count() > 1) is { } both)
            throw new UserError($"{string.Join(" and ", both.Select(target => target.Key))} would both become {both.Key}: export them " +
                $"one by one, each with an --output of its own.", ExitCode.Usage);
        LessonResult[] results = run is null ? []
            : await LessonRunner.RunAsync(paths, run, null, result => Terminal.WriteLine(RunCommand.Line(result)), token);
        foreach (var (path, target) in targets)
        {
            token.ThrowIfCancellationRequested();
            Notebook notebook = Notebook.Load(path);
            string here = Path.GetDirectoryName(Path.GetFullPath(target))!;
            Directory.CreateDirectory(here);
            AtomicFile.Write(target, format == ExportFormat.Cs
                ? LessonProgramWriter.Write(notebook, here, RepositoryRoot.Find())
                : JupyterNotebook.Write(notebook, here, results.FirstOrDefault(result => result.Path == path), absolute));
            Terminal.WriteLine(target);
        }
        return RunCommand.Report(results);
    }
}
