using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>Makes a folder of emoji data from npm's packages. The same packages give the same bytes.</summary>
internal static class EmojiDataWriter
{
    /// <summary>The side of each picture in pixels.</summary>
    internal const int Pixels = 96;

    /// <summary>Writes the folder, completely or not at all.</summary>
    /// <param name="packages">The folder of the packages.</param>
    /// <param name="output">The folder to write; it must be empty or missing.</param>
    /// <param name="progress">Receives the number of pictures drawn so far and of all pictures.</param>
    /// <param name="cancellationToken">Stops between two pictures; nothing is left behind.</param>
    /// <returns>The manifest.</returns>
    internal static EmojiManifest Write(string packages, string output, IProgress<(int Done, int Total)> progress,
        CancellationToken cancellationToken)
    {
        WholeFolder.RefuseTaken(output);
        var names = NpmPackage.Open(packages, EmojiPackages.Names, Annotations.File("en"), Annotations.File("ko"));
        (string Style, IconSet Icons, bool Trained)[] designers =
            [.. EmojiPackages.Designers.Select(designer => (designer.Style, IconSet.Open(packages, designer.Package), designer.Trained))];
        var table = ConceptTable.Match(designers, Annotations.Read(names, "en"), Annotations.Read(names, "ko"));
        int total = table.Concepts.Sum(concept => concept.Styles.Count), done = 0;
        var manifest = new EmojiManifest(1, Pixels, [.. designers.Where(designer => designer.Trained).Select(designer => designer.Style)],
            designers.Single(designer => !designer.Trained).Style,
            "one in five of each concept and language, by a hash; no part of the name",
            table.Concepts.Count, total, table.Left,
            [
                .. designers.Select(designer => designer.Icons.Package.Source(
                    $"{(designer.Trained ? "pictures to train on" : "pictures held out")}: {designer.Style}")),
                names.Source("names and keywords, English and Korean"),
            ]);
        WholeFolder.Write(output, folder =>
        {
            foreach (var (style, icons, _) in designers)
            {
                Directory.CreateDirectory(Path.Combine(folder, Path.GetDirectoryName(EmojiData.PictureName(style, "0"))!));
                foreach (var concept in table.Concepts.Where(concept => concept.Styles.Contains(style)))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    byte[] png = SvgDrawing.Png(icons.Svg(concept.Id), Pixels, $"{concept.Emoji} ({concept.Id}) of {icons.Package.Name}");
                    File.WriteAllBytes(Path.Combine(folder, EmojiData.PictureName(style, concept.Id)), png);
                    progress.Report((++done, total));
                }
            }
            string concepts = JsonSerializer.Serialize(table.Concepts, EmojiData.Json);
            File.WriteAllText(Path.Combine(folder, EmojiData.ConceptsName), concepts + "\n");
            File.WriteAllText(Path.Combine(folder, EmojiData.ManifestName), JsonSerializer.Serialize(manifest, EmojiData.Json) + "\n");
        });
        return manifest;
    }
}
