using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Search.Storage;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Search.Tests;

/// <summary>The embedded model finds what is asked for among drawn scenes that it never saw.</summary>
public sealed class SceneSearchTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void A_sunset_over_the_ocean_is_found_ten_times_out_of_ten_among_two_thousand_scenes()
    {
        using var clip = ClipEncoder.FromPretrained(Sandbox.TinyClip);
        int side = clip.Model.Config.Vision.ImageSize;
        using var index = ImageSearchIndex.Create(_sandbox.Index, clip, new IndexOptions { Storage = VectorStorage.Float16 });
        index.AddRange(Enumerable.Range(0, 2000).Select(Drawn));

        Assert.Equal(Enumerable.Repeat("sunset over the ocean", 10),
            index.Search("a sunset over the ocean").Select(result => result.Metadata["concept"]));

        IndexImage Drawn(int number)
        {
            var scene = SyntheticScenes.Create(SceneWorld.HeldOut, number);
            return new IndexImage($"{number}", scene.Draw(side), new Dictionary<string, string> { ["concept"] = scene.Concept });
        }
    }
}
