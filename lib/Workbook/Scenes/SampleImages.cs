using System.Text.Encodings.Web;
using System.Text.Json;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Workbook.Scenes;

/// <summary>
/// The sample images of <c>data/images</c>: one of every concept and two more compositions of shapes, all from the held-out world.
/// </summary>
public static class SampleImages
{
    /// <summary>Their side in pixels.</summary>
    public const int Size = 224;

    private static readonly JsonSerializerOptions Layout =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly string[] First = ["cat", "dog", "bird", "sunset over the ocean", "pizza", "car", "geometric shapes",
        "snowy mountain"];

    /// <summary>File names and scenes in the order of captions.json; the first eight differ the most.</summary>
    public static IReadOnlyList<(string File, Scene Scene)> All { get; } = Choose();

    /// <summary>Draws the images into a folder, and captions.json (an object from file name to captions).</summary>
    /// <param name="folder">Created if it is missing; files of the same names are replaced.</param>
    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (file, scene) in All)
            scene.Draw(Size).SavePng(Path.Combine(folder, file));
        string captions = JsonSerializer.Serialize(All.ToDictionary(s => s.File, s => s.Scene.Captions), Layout);
        AtomicFile.Write(Path.Combine(folder, "captions.json"), captions.ReplaceLineEndings("\n") + "\n");
    }

    private static (string, Scene)[] Choose()
    {
        var concepts = First.Concat(SyntheticScenes.Concepts.Except(First));
        return
        [
            .. concepts.Select(concept => ($"{concept.Replace(' ', '-')}.png", Clear(concept))),
            .. Enumerable.Range(1, 2).Select(i => ($"geometric-shapes-{i + 1}.png",
                SyntheticScenes.Create(SceneWorld.HeldOut, "geometric shapes", 10 + i))),
        ];
    }

    // A sample shows one thing, and shows it big.
    private static Scene Clear(string concept)
    {
        for (long index = 0; ; index++)
        {
            var scene = SyntheticScenes.Create(SceneWorld.HeldOut, concept, index);
            if (!scene.Attributes.TryGetValue("layout", out string? layout) || layout == "big")
                return scene;
        }
    }
}
