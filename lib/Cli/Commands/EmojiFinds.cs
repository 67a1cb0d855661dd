using System.Net;
using System.Text;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Workbook.Emoji;
using TorchSharp;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// The table at the top of a book's index page: words in both languages and, beside each, the emoji that the emoji model finds for it, the
/// nearest first.
/// </summary>
internal static class EmojiFinds
{
    private const int Shown = 5;

    private static readonly (string Language, string Word)[] Words =
    [
        ("en", "elephant"), ("ko", "코끼리"), ("ko", "밤하늘"), ("en", "red heart"), ("ko", "웃는 얼굴"), ("en", "fruit"), ("ko", "기차"),
    ];

    /// <param name="clip">The emoji model.</param>
    /// <param name="gallery">The pictures that are searched.</param>
    /// <param name="images">(N, E), rows of length 1: the gallery's pictures.</param>
    /// <param name="edition">Its language is used for the pictures' alternative texts.</param>
    internal static string Draw(ClipEncoder clip, EmojiGallery gallery, torch.Tensor images, Edition edition)
    {
        using var scope = torch.NewDisposeScope();
        var (_, nearest) = clip.EncodeTexts([.. Words.Select(word => word.Word)]).mm(images.t()).topk(Shown, 1);     // (words, Shown)
        StringBuilder table = new("<table class=\"finds\">\n");
        foreach (var (i, (language, word)) in Words.Index())
        {
            table.Append($"<tr><th scope=\"row\" lang=\"{language}\">{word}</th><td>");
            for (int k = 0; k < Shown; k++)
            {
                EmojiEntry found = gallery.Entries[(int)nearest[i, k].ToInt64()];
                string name = (edition.IsEnglish ? found.English : found.Korean).Name;
                string picture = Convert.ToBase64String(File.ReadAllBytes(Path.Combine(gallery.Folder, found.File)));
                table.Append($"<img src=\"data:image/webp;base64,{picture}\" ")
                    .Append($"alt=\"{WebUtility.HtmlEncode(name)}\" width=\"48\" height=\"48\">");
            }
            table.Append("</td></tr>\n");
        }
        return table.Append("</table>\n").ToString();
    }
}
