using System.Text.Json;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Workbook.Emoji;
using SkiaSharp;

namespace ClipNotebooks.Cli.Emoji;

/// <summary>
/// Writes one style's emoji on a white background as small WebP files that have their English names, and a file of their names.
/// </summary>
internal static class GalleryWriter
{
    private const int Quality = 85;

    /// <summary>Writes a gallery, completely or not at all.</summary>
    /// <param name="data">The emoji.</param>
    /// <param name="style">The designer of emoji whose pictures are written.</param>
    /// <param name="every">1 takes all of its concepts, n every nth.</param>
    /// <param name="output">The folder to write; it must be empty or missing.</param>
    /// <returns>How many pictures there are.</returns>
    internal static int Write(EmojiData data, string style, int every, string output)
    {
        EmojiConcept[] concepts = [.. data.Concepts.Where(concept => concept.Styles.Contains(style)).Where((_, i) => i % every == 0)];
        if (concepts.Length == 0)
        {
            string styles = string.Join(", ", data.Manifest.TrainingStyles.Append(data.Manifest.HeldOutStyle));
            throw new UserError($"--style {style}: {data.Folder} has {styles}.", ExitCode.Usage);
        }
        WholeFolder.Write(output, folder =>
        {
            Directory.CreateDirectory(folder);
            var entries = new SortedDictionary<string, EmojiEntry>(StringComparer.Ordinal);
            foreach (var concept in concepts)
            {
                string file = Name(concept.English.Name) + ".webp";
                if (entries.ContainsKey(file)) file = $"{Name(concept.English.Name)}-{concept.Id}.webp";
                File.WriteAllBytes(Path.Combine(folder, file), WebP(data, style, concept));
                entries[file] = new(file, concept.Emoji, concept.Group, Names(concept.English), Names(concept.Korean));
            }
            string names = JsonSerializer.Serialize(entries.Values, EmojiData.Json);
            File.WriteAllText(Path.Combine(folder, EmojiGallery.NamesFile), names + "\n");
        });
        return concepts.Length;

        static EmojiNames Names(EmojiWords words) => new(words.Name, [.. words.Keywords, .. words.HeldOut]);
    }

    private static byte[] WebP(EmojiData data, string style, EmojiConcept concept)
    {
        using var image = data.OnWhite(style, concept);
        using var bitmap = image.ToBitmap();
        using var webp = bitmap.Encode(SKEncodedImageFormat.Webp, Quality);
        return webp.ToArray();
    }

    /// <summary>A file name of letters, digits and single hyphens.</summary>
    private static string Name(string name)
    {
        string hyphened = string.Concat(name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));
        return string.Join('-', hyphened.Split('-', StringSplitOptions.RemoveEmptyEntries)) is { Length: > 0 } some ? some : "emoji";
    }
}
