using System.Diagnostics;
using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>
/// The exported embedded model in transformers.js, in Node, which sees nothing else of the project: with <c>CLIP_LONG_TESTS=1</c>, since
/// its package is fetched by npm (474 MB).
/// </summary>
public sealed class TransformersJsTests : IDisposable
{
    private const string Package = "@huggingface/transformers@4.3.1";

    /// <summary>Takes the models' folder, the precision, the labels and the pictures; nothing is looked for elsewhere.</summary>
    private const string Program = """
        import { pipeline, env } from "@huggingface/transformers";
        const [models, dtype, labels, ...images] = process.argv.slice(2);
        env.allowRemoteModels = false;
        env.localModelPath = models;
        const classify = await pipeline("zero-shot-image-classification", "exported", { dtype });
        for (const image of images) {
            const classes = await classify(image, labels.split(","), { hypothesis_template: "a photo of a {}." });
            console.log(classes[0].label);
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Its_zero_shot_pipeline_names_what_classify_names()
    {
        bool isLong = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";
        Assert.SkipUnless(isLong, "npm fetches transformers.js with CLIP_LONG_TESTS=1.");
        Assert.SkipUnless(Tools("npm") && Tools("node"), "There are no npm and node on the path, in which transformers.js runs.");
        await RunAsync("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", Package);
        string program = _folder.Write("classify.mjs", Program);
        string[] precisions = ["float32", "float16", "int8"];
        var export = await Clipbook.RunAsync(["export", "--to", "onnx", "--precision", .. precisions, "--output",
            Path.Combine(_folder.Path, "models", "exported")]);
        Assert.True(export.Code == ExitCode.Success, export.Error);

        string[] pictures = [.. Directory.GetFiles(Path.Combine(Lesson.Data, "images"), "*.png").Order(StringComparer.Ordinal)];
        string labels = string.Join(',', pictures.Select(Named).Distinct());
        var classified = await Clipbook.RunAsync(["classify", .. pictures, "--labels", labels, "--json"]);
        string[] expected = [.. classified.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(First)];
        Assert.Equal(pictures.Length, expected.Length);
        foreach (string dtype in new[] { "fp32", "fp16", "q8" })
        {
            string said = await RunAsync("node", [program, Path.Combine(_folder.Path, "models"), dtype, labels, .. pictures]);
            Assert.Equal(expected, said.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }

    private static string Named(string picture) => Path.GetFileNameWithoutExtension(picture).TrimEnd('-', '2', '3').Replace('-', ' ');

    private static string First(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("classes")[0].GetProperty("label").GetString()!;
    }

    private static bool Tools(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, name)) || File.Exists(Path.Combine(folder, name + ".cmd")));

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _folder.Path, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{program}: {await error}");
            return await output;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
