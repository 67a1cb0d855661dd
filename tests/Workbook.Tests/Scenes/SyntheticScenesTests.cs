using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Tests.Scenes;

public sealed class SyntheticScenesTests
{
    public static TheoryData<string> Concepts => [.. SyntheticScenes.Concepts];

    [Fact]
    public void There_are_at_least_forty_different_concepts()
    {
        Assert.True(SyntheticScenes.Concepts.Distinct().Count() >= 40);
        var met = Enumerable.Range(0, 5000).Select(i => SyntheticScenes.Create(SceneWorld.Train, i).Concept).ToHashSet();
        Assert.Equal(SyntheticScenes.Concepts.Order(), met.Order());
    }

    [Theory]
    [MemberData(nameof(Concepts))]
    public void A_concept_is_drawn_with_ink_and_variation_in_both_worlds(string concept)
    {
        foreach (var world in Enum.GetValues<SceneWorld>())
        {
            var images = Enumerable.Range(0, 4).Select(i => SyntheticScenes.Create(world, concept, i).Draw(32).ToRgbBytes()).ToArray();
            Assert.All(images, pixels => Assert.True(pixels.Chunk(3).Select(c => (c[0] << 16) | (c[1] << 8) | c[2]).Distinct()
                .Count() > 20));
            Assert.Equal(4, images.Select(Convert.ToHexString).Distinct().Count());
        }
    }

    [Fact]
    public void The_same_index_gives_the_same_captions_and_pixels_on_every_thread()
    {
        var alone = Enumerable.Range(0, 200).Select(i => Print(SyntheticScenes.Create(SceneWorld.Train, i))).ToArray();
        string[] together = new string[alone.Length];
        Parallel.For(0, alone.Length, i => together[i] = Print(SyntheticScenes.Create(SceneWorld.Train, i)));
        Assert.Equal(alone, together);

        static string Print(Scene scene) => string.Join('|', scene.Captions) + Convert.ToHexString(scene.Draw(32).ToRgbBytes());
    }

    [Theory]
    [MemberData(nameof(Concepts))]
    public void No_composition_is_in_both_worlds(string concept)
    {
        HashSet<string> train = Compositions(SceneWorld.Train), heldOut = Compositions(SceneWorld.HeldOut);
        Assert.Empty(train.Intersect(heldOut));
        Assert.True(heldOut.Count >= 2);

        HashSet<string> Compositions(SceneWorld world) =>
            [.. Enumerable.Range(0, 400).Select(i => SyntheticScenes.Create(world, concept, i).Attributes["composition"])];
    }

    [Fact]
    public void Captions_are_short_different_and_name_the_attributes()
    {
        for (int i = 0; i < 3000; i++)
        {
            var scene = SyntheticScenes.Create((SceneWorld)(i % 2), i);
            Assert.InRange(scene.Captions.Count, 2, 5);
            Assert.Equal(scene.Captions.Count, scene.Captions.Distinct().Count());
            Assert.All(scene.Captions, c => Assert.True(!c.Any(char.IsUpper) && c.Split(' ').Length <= 16
                && !c.Contains("  ", StringComparison.Ordinal), c));
            foreach (string key in new[] { "color", "background", "sky", "extra", "side", "first", "relation", "second" })
                if (scene.Attributes.TryGetValue(key, out string? value))
                    Assert.Contains(value, scene.Captions[0], StringComparison.Ordinal);
            if (scene.Attributes.TryGetValue("count", out string? count) && count != "one")
                Assert.Contains(count, scene.Captions[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Full_captions_tell_200_scenes_apart()
    {
        // A handful may coincide by chance: 200 draws from several thousand captions.
        int different = Enumerable.Range(0, 200).Select(i => SyntheticScenes.Create(SceneWorld.HeldOut, i).Captions[0]).Distinct().Count();
        Assert.True(different >= 190, $"{different} of 200");
    }

    [Fact]
    public void Drawing_for_training_is_fast()
    {
        SyntheticScenes.Create(SceneWorld.Train, 0).Draw(64);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        for (int i = 0; i < 200; i++)
            SyntheticScenes.Create(SceneWorld.Train, i).Draw(64);
        // About 0.2 ms of processor time a picture was measured; 10 ms allows for a machine shared with others.
        Assert.True(watch.ElapsedMilliseconds < 2000, $"{watch.ElapsedMilliseconds} ms for 200 pictures");
    }

    [Fact]
    public void An_unknown_concept_is_refused_with_the_list() =>
        Assert.Contains("cat, dog", Assert.Throws<ArgumentException>(() => SyntheticScenes.Create(SceneWorld.Train, "unicorn", 0)).Message,
            StringComparison.Ordinal);
}
