using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Emoji;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook evaluate --world emoji`: measures a model and shows the results.</summary>
internal static class EmojiMeasure
{
    private const int Shown = 15, OnSheet = 40, Columns = 5;

    /// <summary>Measures a model and prints what was measured.</summary>
    /// <param name="encoder">The model.</param>
    /// <param name="folder">The folder that `clipbook data emoji` wrote.</param>
    /// <param name="style">The designer of emoji whose pictures are used; by default the one held out.</param>
    /// <param name="sheet">The PNG file for a picture of the most confident mistakes; null for none.</param>
    /// <param name="json">Whether JSON is printed.</param>
    internal static int Run(ClipEncoder encoder, string folder, string? style, string? sheet, bool json)
    {
        var data = EmojiData.Open(folder);
        string[] styles = [.. data.Manifest.TrainingStyles, data.Manifest.HeldOutStyle];
        if (style is not null && !styles.Contains(style))
            throw new UserError($"--style {style}: {folder} has {string.Join(", ", styles)}.", ExitCode.Usage);
        var result = EmojiEvaluation.Measure(encoder, data, style);
        if (json) Terminal.WriteJson(Output.Json(result));
        else Print(result, data.Manifest);
        if (sheet is null) return ExitCode.Success;
        if (result.Confused.Count == 0) throw new UserError("--sheet: there is no mistake to draw.");
        Draw(result, data).SavePng(Path.GetFullPath(sheet));
        if (!json) Terminal.WriteLine($"The {Math.Min(OnSheet, result.Confused.Count)} surest mistakes are drawn in {sheet}.");
        return ExitCode.Success;
    }

    private static void Print(EmojiEvaluation result, EmojiManifest manifest)
    {
        string kind = result.Style == manifest.HeldOutStyle ? "never trained on" : "trained on";
        var table = new Table().RoundedBorder().AddColumn(Markup.Escape($"{result.Pictures:N0} emoji by {result.Style} ({kind})"))
            .AddColumn(new TableColumn("English").RightAligned()).AddColumn(new TableColumn("Korean").RightAligned());
        Row("zero-shot top-1, among all names", report => $"{report.Top1:p1}");
        Row("zero-shot top-5", report => $"{report.Top5:p1}");
        Row("name to picture, recall@1", report => $"{report.NameAt1:p1}");
        Row("name to picture, recall@10", report => $"{report.NameAt10:p1}");
        Row("keywords held out, how many", report => $"{report.HeldOut.Queries:N0}");
        Row("  to picture, recall@1", report => $"{report.HeldOut.At1:p1}");
        Row("  to picture, recall@10", report => $"{report.HeldOut.At10:p1}");
        Row("  of these, trained with no concept at all", report => $"{report.HeldOut.Unseen:N0}");
        Row("    to picture, recall@10", report => $"{report.HeldOut.UnseenAt10:p1}");
        Row("keywords trained with: recall@10", report => $"{report.Trained.At10:p1}");
        Terminal.Rich().Write(table);

        var groups = new Table().RoundedBorder().AddColumn("group").AddColumn(new TableColumn("pictures").RightAligned())
            .AddColumn(new TableColumn("top-1").RightAligned()).AddColumn(new TableColumn("top-5").RightAligned());
        foreach (var group in result.Groups)
            groups.AddRow(Markup.Escape(group.Group), $"{group.Pictures:N0}", $"{group.Top1:p1}", $"{group.Top5:p1}");
        Terminal.Rich().Write(groups);

        if (result.Confused.Count == 0) return;
        var confused = new Table().RoundedBorder().AddColumn("taken for something else, the surest first").AddColumn("taken for")
            .AddColumn(new TableColumn("cosine above the right name's").RightAligned());
        foreach (var pair in result.Confused.Take(Shown))
            confused.AddRow(Markup.Escape(pair.Name), Markup.Escape(pair.TakenFor), $"{pair.By:f3}");
        Terminal.Rich().Write(confused);

        void Row(string name, Func<EmojiLanguageReport, string> figure) =>
            table.AddRow(name, figure(result.English), figure(result.Korean));
    }

    /// <summary>Draws each mistake beside the emoji that it was taken for, both by the same designer.</summary>
    private static RasterImage Draw(EmojiEvaluation result, EmojiData data)
    {
        var concepts = data.Concepts.ToDictionary(concept => concept.Id, StringComparer.Ordinal);
        List<(IReadOnlyList<RasterImage>, IReadOnlyList<string>)> cells = [];
        foreach (var pair in result.Confused.Take(OnSheet))
        {
            RasterImage[] pictures = [data.OnWhite(result.Style, concepts[pair.Id]), data.OnWhite(result.Style, concepts[pair.TakenForId])];
            cells.Add((pictures, [pair.Name, $"taken for: {pair.TakenFor}"]));
        }
        return EmojiSheet.Draw(cells, Columns);
    }
}
