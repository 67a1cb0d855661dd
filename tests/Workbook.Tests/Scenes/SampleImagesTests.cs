using System.Text.Json;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Tests.Scenes;

/// <summary>
/// The sample images of <c>data/images</c>: one of every concept and two more compositions of shapes, all from the held-out world.
/// </summary>
public sealed class SampleImagesTests
{
    /// <summary>Their side in pixels.</summary>
    private const int Size = 224;

    private static readonly string[] First = ["cat", "dog", "bird", "sunset over the ocean", "pizza", "car", "geometric shapes",
        "snowy mountain"];

    /// <summary>File names and scenes in the order of captions.json; the first eight differ the most.</summary>
    private static IReadOnlyList<(string File, Scene Scene)> All { get; } =
    [
        .. First.Concat(SyntheticScenes.Concepts.Except(First)).Select(concept => ($"{concept.Replace(' ', '-')}.png", Clear(concept))),
        .. Enumerable.Range(1, 2).Select(i => ($"geometric-shapes-{i + 1}.png",
            SyntheticScenes.Create(SceneWorld.HeldOut, "geometric shapes", 10 + i))),
    ];

    private static string Folder => Path.Combine(Lesson.Data, "images");

    [Fact]
    public void The_committed_images_are_what_the_scenes_draw()
    {
        Assert.Equal(All.Select(s => s.File).Order(),
            Directory.GetFiles(Folder, "*.png").Select(f => Path.GetFileName(f)).Order());
        foreach (var (file, scene) in All)
        {
            byte[] committed = RasterImage.Load(Path.Combine(Folder, file)).ToRgbBytes(),
                drawn = scene.Draw(Size).ToRgbBytes();
            // Skia rounds the coverage of an edge differently from processor to processor: a few samples may differ, no area may.
            int apart = committed.Zip(drawn).Count(pair => Math.Abs(pair.First - pair.Second) > 8);
            Assert.True(apart < drawn.Length / 500, $"{file}: {apart} samples differ");
        }
    }

    [Fact]
    public void The_committed_captions_are_those_of_the_scenes_in_order()
    {
        var captions = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "captions.json"))).RootElement.EnumerateObject().ToArray();
        Assert.Equal(All.Select(s => s.File), captions.Select(c => c.Name));
        Assert.Equal(All.Select(s => s.Scene.Captions),
            captions.Select(c => c.Value.EnumerateArray().Select(v => v.GetString()!).ToArray()));
    }

    [Fact]
    public void The_samples_come_from_the_held_out_world_and_the_first_eight_differ_in_concept()
    {
        foreach (var concept in All.GroupBy(s => s.Scene.Concept))
        {
            var train = Enumerable.Range(0, 300).Select(i => SyntheticScenes.Create(SceneWorld.Train, concept.Key, i))
                .Select(scene => scene.Attributes["composition"]).ToHashSet();
            Assert.DoesNotContain(concept, s => train.Contains(s.Scene.Attributes["composition"]));
        }
        Assert.Equal(8, All.Take(8).Select(s => s.Scene.Concept).Distinct().Count());
    }

    /// <summary>A sample shows one thing, and shows it big.</summary>
    private static Scene Clear(string concept)
    {
        for (long index = 0; ; index++)
        {
            var scene = SyntheticScenes.Create(SceneWorld.HeldOut, concept, index);
            if (!scene.Attributes.TryGetValue("layout", out string? layout) || layout == "big") return scene;
        }
    }
}
