using System.CommandLine;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook.Views;
using ClipNotebooks.Workbook;
using ClipNotebooks.Workbook.Emoji;
using Spectre.Console;
using TorchSharp;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook plots`: the similarity-matrix plots.</summary>
internal static class PlotsCommand
{
    internal static Command Create()
    {
        Option<string?> images = new("--images") { Description = "A folder of images, in the order of their names; the sample images by " +
            "default." };
        Option<string?> texts = new("--texts") { Description = "A file with one caption a line; with --images." };
        var model = PreparedEncoder.ModelOption();
        Option<string?> output = new("--output")
        {
            Description = "Where to write; data/plots in the repository, plots outside of it, by default.",
        };
        Command command = new("plots", $"""
            Regenerates the similarity-matrix plots: an interactive page (offline) and a PNG, of the sample images or of your own. Without
            images of your own also what the model of emoji finds for some words, which the lessons' map shows (emoji-finds.*.html).

            Examples:
              clipbook plots
              clipbook plots --images photos --texts captions.txt --output artifacts/plots

            {ExitCode.Help}
            """)
        {
            images, texts, model, output,
        };
        command.SetAction(parsed =>
        {
            string? folder = parsed.GetValue(images), file = parsed.GetValue(texts);
            if (folder is null != file is null) throw new UserError("--images and --texts go together: a folder of images and a file " +
                "with one caption a line.", ExitCode.Usage);
            var (pictures, names, captions) = folder is null ? Samples() : Read(folder, file!);
            string usual = RepositoryRoot.TryFind() is { } root ? Path.Combine(root, "data", "plots") : "plots";
            string target = parsed.GetValue(output) ?? usual;
            using var encoder = ClipEncoder.FromPretrained(parsed.GetValue(model) ?? Lesson.Model);
            using var scope = torch.NewDisposeScope();
            var similarity = encoder.EncodeImages(pictures, names).mm(encoder.EncodeTexts(captions).t());
            SimilarityMatrix plot = new(similarity, pictures, names, captions, "Which caption fits which image?", "cosine similarity");
            Directory.CreateDirectory(target);
            foreach (var (name, save) in new (string, Action<string>)[] { ("similarity-matrix.html", plot.SaveHtml),
                ("similarity-matrix.png", plot.SavePng) })
            {
                string path = Path.Combine(target, name);
                save(path);
                Terminal.WriteLine($"{path}  {new FileInfo(path).Length:N0} bytes");
            }
            if (folder is null) DrawFinds(target);
            Terminal.WriteLine(plot.Description);
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Draws the table at the top of a book's index page. The program has it as a resource from the next build on.</summary>
    private static void DrawFinds(string target)
    {
        var gallery = EmojiGallery.Open(Lesson.EmojiPictures);
        using var clip = ClipEncoder.FromPretrained(Lesson.EmojiModel);
        using var scope = torch.NewDisposeScope();
        var images = clip.EncodeImages([.. gallery.Entries.Select(gallery.Picture)]);       // (N, E)
        foreach (var edition in Edition.All)
        {
            string path = Path.Combine(target, IndexPage.FindsOf(edition));
            AtomicFile.Write(path, EmojiFinds.Draw(clip, gallery, images, edition));
            Terminal.WriteLine($"{path}  {new FileInfo(path).Length:N0} bytes");
        }
    }

    private static (IReadOnlyList<RasterImage> Images, IReadOnlyList<string> Names, IReadOnlyList<string> Captions) Samples()
    {
        var samples = Lesson.Samples(8);
        return ([.. samples.Select(s => s.Image)], [.. samples.Select(s => s.File)], [.. samples.Select(s => s.Captions[0])]);
    }

    private static (IReadOnlyList<RasterImage>, IReadOnlyList<string>, IReadOnlyList<string>) Read(string folder, string file)
    {
        if (!Directory.Exists(folder)) throw new UserError($"There is no folder {folder} to take images from.");
        var paths = ImageFiles.In(folder, recursive: false);
        string[] captions = [.. GivenFile.Read("--texts", file, "one caption a line", TextFile.ReadLines).Select(line => line.Trim())
            .Where(line => line.Length > 0)];
        if (paths.Count == 0) throw new UserError($"{folder} holds no image: {string.Join(", ", ImageFiles.Extensions)} are read.");
        if (captions.Length == 0) throw new UserError($"{file} holds no caption: one a line is read.", ExitCode.Usage);
        return ([.. paths.Select(RasterImage.Load)], [.. paths.Select(path => Path.GetFileName(path)!)], captions);
    }
}
