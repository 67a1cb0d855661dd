using System.Globalization;
using System.Text.RegularExpressions;
using ClipNotebooks.Clip.Checkpoints;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// What a checkpoint's header lists: names, shapes, element types, bytes. Tensors that differ only in the number of their block share a
/// row, such as <c>layers.{0…11}.mlp.fc1.weight</c>.
/// </summary>
public sealed partial class CheckpointTable : View
{
    private readonly string _title;
    private readonly List<string[]> _rows;

    /// <summary>Copies the header's entries; the file stays the caller's.</summary>
    /// <param name="entries">The header's entries, as <see cref="SafetensorsFile.Entries"/> gives them.</param>
    /// <param name="title">What is shown; the number of tensors and their bytes follow it.</param>
    public CheckpointTable(IEnumerable<SafetensorsEntry> entries, string title)
    {
        ArgumentNullException.ThrowIfNull(entries);
        SafetensorsEntry[] all = [.. entries];
        string tensors = Count(all.Length), bytes = Count(all.Sum(e => e.ByteLength));
        _title = Lesson.In($"{title}: {tensors} tensors, {bytes} bytes", $"{title}: 텐서 {tensors}개, {bytes}바이트");
        _rows = [.. all.GroupBy(e => (Name: BlockNumber().Replace(e.Name, ".#."), Shape: string.Join(", ", e.Shape), e.Type))
            .Select(group => new[]
        {
            Name([.. group.Select(e => e.Name)]), $"({group.Key.Shape})", group.Key.Type.ToString().ToLowerInvariant(),
                Count(group.Count()), Count(group.Sum(e => e.ByteLength)),
        })];
    }

    /// <inheritdoc/>
    public override string ToHtml() =>
        $"<p style=\"margin:0.5em 0 0.3em\">{Markup.Escape(_title)}</p><div tabindex=\"0\" " +
            $"style=\"overflow:auto;max-height:26em;margin:0 0 0.5em\">{Markup.Table(Lines, rightFrom: 3)}</div>";

    /// <inheritdoc/>
    public override string ToText() => _title + Environment.NewLine + Markup.Columns(Lines, rightFrom: 3);

    private string[][] Lines => [Lesson.In<string[]>(
        ["tensor", "shape", "dtype", "tensors", "bytes"], ["텐서", "모양", "dtype", "개수", "바이트"]), .. _rows];

    private static string Name(string[] names)
    {
        if (names.Length == 1) return names[0];
        int[] blocks = [.. names.Select(name => int.Parse(BlockNumber().Match(name).Groups[1].Value, CultureInfo.InvariantCulture))];
        return BlockNumber().Replace(names[0], $".{{{blocks.Min()}…{blocks.Max()}}}.", 1);
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\.(\d+)\.")]
    private static partial Regex BlockNumber();
}
