using ClipNotebooks.Workbook;

namespace ClipNotebooks.Cli.Tests;

/// <summary>The pages of the public API, made by docfx from the built libraries and their comments.</summary>
public sealed class ApiPagesTests
{
    [Fact]
    public async Task Every_package_has_its_pages_and_no_reference_leads_nowhere()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1", "Pages are made with CLIP_LONG_TESTS=1.");
        var (restored, _, why) = await TestProcess.RunAsync(TestProcess.DotNet, ["tool", "restore"], folder: Lesson.Repository);
        Assert.SkipUnless(restored == 0, $"docfx cannot be restored: {why}");
        var (code, output, error) = await TestProcess.RunAsync(
            TestProcess.DotNet, ["docfx", "environment/docfx/docfx.json"], folder: Lesson.Repository);
        Assert.True(code == 0, output + error);
        Assert.DoesNotContain("InvalidCref", output, StringComparison.OrdinalIgnoreCase);
        foreach (string type in new[]
        {
            "Core.Inference.IClipEncoder", "Clip.Inference.ClipEncoder", "Onnx.OnnxClipEncoder", "Search.ImageSearchIndex",
            "Search.Postgres.PgVectorImageStore",
            "ImageSharp.ImageSharpDecoder",
        })
        {
            string page = Path.Combine(Lesson.Repository, "artifacts", "api", "reference", $"ClipNotebooks.{type}.html");
            Assert.True(File.Exists(page), page);
        }
    }
}
