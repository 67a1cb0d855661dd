using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Emoji;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Notebooks.Tests.Browser;

/// <summary>
/// A book with one page an interactive, made without running a lesson; and each page once more as a Korean lesson shows it.
/// </summary>
public sealed class InteractiveBook : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("clip-interactive-");

    public InteractiveBook()
    {
        var views = Views();
        List<LessonResult> results = [];
        foreach (string language in new[] { "en", "ko" })
            foreach (var (name, view) in views)
            {
                string path = Path.Combine(_folder.FullName, language == "en" ? "" : language, name + ".dib");
                var notebook = Notebook.Parse(path, $"#!markdown\n# {name}\n## Section\n#!csharp\nview");
                // The language is that of the lesson's process, which this is not: the scripts take theirs from the markup.
                CellOutput output = new(1, view.ToText(),
                    view.ToHtml().Replace("lang=\"en\"", $"lang=\"{language}\"", StringComparison.Ordinal));
                results.Add(new(path, notebook, [new(notebook.CodeCells.Single(), [output], 0, null)], [], 0));
            }
        BookWriter.Write(results, Path.Combine(_folder.FullName, "book"));
    }

    /// <summary>The interactives, by the names of their pages.</summary>
    internal static Dictionary<string, Interactive> Views()
    {
        using var scope = NewDisposeScope();
        var samples = Lesson.Samples(8);
        string[] captions = [.. samples.Select(sample => sample.Captions[^1])];
        var logits = tensor(new[,] { { 3.2f, 0.5f, 0.2f, 0.8f }, { 0.3f, 2.8f, 0.4f, 0.6f }, { 0.1f, 0.7f, 3.5f, 0.3f },
            { 0.4f, 0.2f, 0.5f, 2.9f } });
        Scene[] scenes = [.. Enumerable.Range(0, 60)
            .Select(i => SyntheticScenes.Create(SceneWorld.HeldOut, Animals[i % Animals.Length], i))];
        using var clip = Lesson.Open(CPU);
        var (gapImages, gapTexts) = (clip.EncodeImages([.. samples.Select(sample => sample.Image)]), clip.EncodeTexts(captions));
        return new()
        {
            ["loss"] = new LossByHand(logits, ["I₁", "I₂", "I₃", "I₄"], ["T₁", "T₂", "T₃", "T₄"]),
            ["try"] = new TryIt(samples, captions[..4]),
            ["sentence"] = new SentenceByHand("A catamaran at night"),
            ["attention"] = new AttentionByHand(samples),
            ["block"] = new BlockByHand(),
            ["training"] = Film(samples, captions),
            ["classifier"] = new ClassifierByHand([.. scenes.Take(40).Select(scene => scene.Draw(64))],
                [.. scenes.Take(40).Select(scene => Array.IndexOf(Animals, scene.Concept))], Animals, ["a photo of a {}."]),
            ["search"] = new SearchByHand([.. scenes.Select(scene => scene.Draw(64))], [.. scenes.Select(scene => scene.Captions[0])],
                "a red cat"),
            ["emoji"] = Emoji(),
            ["gap"] = new GapByHand(gapImages, gapTexts, captions, 100),
        };
    }

    private static readonly string[] Animals = ["cat", "dog", "bird", "fish", "horse"];

    /// <summary>Some of the emoji, an elephant among them.</summary>
    private static SearchByHand Emoji()
    {
        var gallery = EmojiGallery.Open(Lesson.EmojiPictures);
        EmojiEntry[] some = [.. gallery.Entries.Where((entry, i) => i % 25 == 0 || entry.File == "elephant.webp")];
        return new SearchByHand([.. some.Select(gallery.Picture)], [.. some.Select(entry => entry.English.Name)], "코끼리", emoji: true);
    }

    /// <summary>Pairs that start apart and end together; and a run in which all become one.</summary>
    private static TrainingFilm Film(IReadOnlyList<Sample> samples, string[] captions)
    {
        TrainingFilm film = new([.. samples.Select(sample => sample.Image)], captions);
        Tensor own = eye(8, 16), apart = eye(8, 16).roll(8, 1);
        for (int i = 0; i <= 4; i++)
        {
            film.Record("right", 10 * i, 2 - (0.4 * i), 0.07, own + (apart * (4 - i)), own);
            film.Record("collapsed", 10 * i, 2.08, 0.07, (own * (4 - i)) + ones(16), (apart * (4 - i)) + ones(16));
        }
        return film;
    }

    internal string Folder => Path.Combine(_folder.FullName, "book");

    /// <summary>As a reader opens it: a file, by its path.</summary>
    internal Uri this[string page] => new(Path.Combine(Folder, page));

    public void Dispose() => _folder.Delete(recursive: true);
}
