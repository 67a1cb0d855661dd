using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests.Commands;

/// <summary>The commands on other families than CLIP: small models with random weights, as the lessons show them.</summary>
public sealed class FamilyCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Ids => [.. StandIn.Ids];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Every_command_takes_a_familys_folder(string id)
    {
        string model = Path.Combine(_folder.Path, "model"), photos = Path.Combine(_folder.Path, "photos");
        string index = Path.Combine(_folder.Path, "index"), recording = Path.Combine(_folder.Path, "parity.safetensors");
        StandIn.Write(id, model);
        foreach (string name in new[] { "cat", "dog" })
        {
            string folder = Directory.CreateDirectory(Path.Combine(photos, name)).FullName;
            File.Copy(Path.Combine(Lesson.Data, "images", name + ".png"), Path.Combine(folder, name + ".png"));
        }

        string classified = await Succeed("classify", photos, "--labels", "cat,dog,고양이", "--model", model, "--json");
        var first = JsonDocument.Parse(classified.Split('\n')[0]).RootElement;
        Assert.Equal(id.StartsWith("google/siglip", StringComparison.Ordinal), first.GetProperty("isIndependent").GetBoolean());
        Assert.Equal(3, first.GetProperty("classes").GetArrayLength());

        await Succeed("index", photos, "--index", index, "--model", model);
        string found = await Succeed("search", "고양이 사진", "--index", index, "--model", model, "--json");
        Assert.Equal(2, JsonDocument.Parse(found).RootElement.GetProperty("results").GetArrayLength());

        string measured = await Succeed("evaluate", "--images", photos, "--model", model, "--precision", "bfloat16", "--json");
        Assert.Equal(2, JsonDocument.Parse(measured).RootElement.GetProperty("count").GetInt32());

        await Succeed("parity", model, "--record", recording);
        Assert.Contains("rungs agree", await Succeed("parity", model, "--reference", recording), StringComparison.Ordinal);
    }

    /// <summary>The lesson that shows a classifier, and the first; the others' cells are the same kind of calls.</summary>
    [Fact]
    public async Task Lessons_run_on_a_model_that_was_trained_with_sigmoids_and_show_its_probabilities()
    {
        string model = Path.Combine(_folder.Path, "model"), book = Path.Combine(_folder.Path, "book");
        StandIn.Write("google/siglip2-base-patch16-224", model);
        string? before = Environment.GetEnvironmentVariable(Lesson.ModelVariable);
        try
        {
            Environment.SetEnvironmentVariable(Lesson.ModelVariable, model);
            await Succeed("run", "--only", "0,7", "--language", "en", "--output", book);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Lesson.ModelVariable, before);
        }
        string page = File.ReadAllText(Path.Combine(book, "07-zero-shot-classification.html"));
        Assert.Contains(" scale  sigmoid", page, StringComparison.Ordinal);
        Assert.Contains($"the embedded model answers and not {model}", page, StringComparison.Ordinal);
    }

    private static async Task<string> Succeed(params string[] arguments)
    {
        var (code, output, error) = await Clipbook.RunAsync(arguments);
        Assert.True(code == ExitCode.Success, $"{string.Join(' ', arguments)}: {error}");
        return output;
    }
}
