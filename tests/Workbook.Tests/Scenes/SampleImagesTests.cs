using System.Text.Json;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Tests.Scenes;

public sealed class SampleImagesTests
{
    private static string Folder
    {
        get
        {
            string folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "ClipNotebooks.sln")))
                folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException(
                    "ClipNotebooks.sln is in no folder above the tests.");
            return Path.Combine(folder, "data", "images");
        }
    }

    [Fact]
    public void The_committed_images_are_what_the_method_draws()
    {
        Assert.Equal(SampleImages.All.Select(s => s.File).Order(),
            Directory.GetFiles(Folder, "*.png").Select(f => Path.GetFileName(f)).Order());
        foreach (var (file, scene) in SampleImages.All)
        {
            byte[] committed = RasterImage.Load(Path.Combine(Folder, file)).ToRgbBytes(),
                drawn = scene.Draw(SampleImages.Size).ToRgbBytes();
            // Skia rounds the coverage of an edge differently from processor to processor: a few samples may differ, no area may.
            int apart = committed.Zip(drawn).Count(pair => Math.Abs(pair.First - pair.Second) > 8);
            Assert.True(apart < drawn.Length / 500, $"{file}: {apart} samples differ");
        }
    }

    [Fact]
    public void The_committed_captions_are_those_of_the_scenes_in_order()
    {
        var captions = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "captions.json"))).RootElement.EnumerateObject().ToArray();
        Assert.Equal(SampleImages.All.Select(s => s.File), captions.Select(c => c.Name));
        Assert.Equal(SampleImages.All.Select(s => s.Scene.Captions),
            captions.Select(c => c.Value.EnumerateArray().Select(v => v.GetString()!).ToArray()));
    }

    [Fact]
    public void The_samples_come_from_the_held_out_world_and_the_first_eight_differ_in_concept()
    {
        foreach (var concept in SampleImages.All.GroupBy(s => s.Scene.Concept))
        {
            var train = Enumerable.Range(0, 300).Select(i => SyntheticScenes.Create(SceneWorld.Train, concept.Key, i).Composition)
                .ToHashSet();
            Assert.DoesNotContain(concept, s => train.Contains(s.Scene.Composition));
        }
        Assert.Equal(8, SampleImages.All.Take(8).Select(s => s.Scene.Concept).Distinct().Count());
    }
}
