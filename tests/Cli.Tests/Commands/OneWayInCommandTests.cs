using System.Text.Json;
using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>
/// Every kind of file through every command: what it says of the files is what it says of their twins, RGB pictures of the same colours
/// (the embedded model's recipe converts first, as transformers does), and a file that was indexed finds itself.
/// </summary>
public sealed partial class OneWayInCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Kinds => Path.Combine(_folder.Path, "kinds");

    private string Twins => Path.Combine(_folder.Path, "twins");

    public OneWayInCommandTests()
    {
        foreach (var (i, name) in PictureKinds.All.Index())
        {
            string file = _folder.Write($"kinds/class-{i % 5}/{i:00}{Path.GetExtension(name)}", "");
            File.WriteAllBytes(file, PictureKinds.Bytes(name));
            using RasterImage image = RasterImage.Load(file);
            string twin = _folder.Write($"twins/class-{i % 5}/{i:00}.png", "");
            using RasterImage rgb = RasterImage.FromRgb(image.Width, image.Height, image.ToRgbBytes());
            rgb.SavePng(twin);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Classify_gives_the_librarys_probabilities()
    {
        string[] arguments = ["--labels", "cat,dog,pizza", "--precision", "Float32", "--json"];
        string[] said = Lines(await SaidAsync(["classify", Kinds, .. arguments]));
        string[] twins = Lines(await SaidAsync(["classify", Twins, .. arguments]));
        Assert.Equal(PictureKinds.All.Length, said.Length);
        Assert.Equal(twins.Select(WithoutNames), said.Select(WithoutNames));

        using var clip = Lesson.Open(CPU);
        using var classifier = new ZeroShotClassifier(clip, ["cat", "dog", "pizza"], ["a photo of a {}."]);
        foreach (string line in said)
        {
            JsonElement answer = JsonDocument.Parse(line).RootElement;
            using RasterImage image = RasterImage.Load(answer.GetProperty("file").GetString()!);
            double[] expected = classifier.Probabilities([image])[0];
            foreach (JsonElement entry in answer.GetProperty("classes").EnumerateArray())
            {
                int at = Array.IndexOf(["cat", "dog", "pizza"], entry.GetProperty("label").GetString());
                // Printed to six places; products of another batch are rounded otherwise.
                Assert.Equal(expected[at], entry.GetProperty("probability").GetDouble(), 1e-5);
            }
        }
    }

    [Fact]
    public async Task Search_by_an_indexed_file_finds_that_file_first()
    {
        string index = Path.Combine(_folder.Path, "index");
        await SaidAsync("index", Kinds, "--index", index);
        foreach (string file in Directory.GetFiles(Kinds, "*", SearchOption.AllDirectories))
        {
            string said = await SaidAsync("search", "--image", file, "--index", index, "--top", "100", "--json");
            var results = JsonDocument.Parse(said).RootElement.GetProperty("results").EnumerateArray().ToList();
            double own = results.Single(hit => hit.GetProperty("path").GetString() == file).GetProperty("score").GetDouble();
            // The command may compute in bfloat16 where the machine has instructions for it; other files hold the same pixels.
            Assert.InRange(own, 0.9999, 1);
            Assert.InRange(results[0].GetProperty("score").GetDouble() - own, 0, 1e-4);
        }
    }

    [Fact]
    public async Task Evaluate_measures_and_plots_draws_the_same_matrix()
    {
        Assert.Equal(WithoutNames(await SaidAsync("evaluate", "--images", Twins, "--json")),
            WithoutNames(await SaidAsync("evaluate", "--images", Kinds, "--json")));

        string texts = _folder.Write("texts.txt", string.Join('\n', PictureKinds.All.Select((_, i) => $"picture number {i}")));
        List<string> matrices = [];
        foreach (string images in new[] { Kinds, Twins })
        {
            string output = images + " plots", flat = images + " flat";
            Directory.CreateDirectory(flat);
            foreach (string file in Directory.GetFiles(images, "*", SearchOption.AllDirectories))
                File.Copy(file, Path.Combine(flat, Path.GetFileName(file)));
            await SaidAsync("plots", "--images", flat, "--texts", texts, "--output", output);
            string page = Path.Combine(output, "similarity-matrix.html");
            matrices.Add(Matrix().Match(await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken)).Value);
        }
        Assert.True(matrices[0].Length > 25 * 25 * 2, "the page holds no matrix");
        Assert.Equal(matrices[1], matrices[0]);
    }

    private static async Task<string> SaidAsync(params string[] arguments)
    {
        var (code, output, error) = await Clipbook.RunAsync(arguments);
        Assert.True(code == ExitCode.Success, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The numbers, without the folder and the ending that tell a file from its twin.</summary>
    private static string WithoutNames(string said) => Name().Replace(said, "$1");

    [GeneratedRegex(@"[^""]*(?:kinds|twins)[/\\]([^""]*?)(?:\.\w+)?(?="")")]
    private static partial Regex Name();

    [GeneratedRegex(@"&quot;z&quot;:\[\[.*?\]\]")]
    private static partial Regex Matrix();
}
