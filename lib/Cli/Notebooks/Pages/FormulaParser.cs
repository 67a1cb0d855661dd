using System.Text.RegularExpressions;
using Markdig.Extensions.Mathematics;
using Markdig.Helpers;
using Markdig.Parsers;
using Markdig.Renderers.Html;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// Parses formulas within a line by Pandoc's rule, which editors follow too: no space just inside the dollars and no digit after them.
/// Markdig's own parser allows no letter after them either, but in Korean a particle follows a formula without a space.
/// </summary>
internal sealed partial class FormulaParser : MathInlineParser
{
    public override bool Match(InlineProcessor processor, ref StringSlice slice)
    {
        if (char.IsAsciiLetterOrDigit(slice.PeekCharExtra(-1))
            || Formula().Match(slice.Text, slice.Start, slice.Length) is not { Success: true } found)
            return false;
        Group tex = found.Groups["tex"];
        MathInline formula = new() { Delimiter = '$', DelimiterCount = found.Groups["dollars"].Length,
            Content = new StringSlice(slice.Text, tex.Index, tex.Index + tex.Length - 1) };
        formula.GetAttributes().AddClass(DefaultClass);
        processor.Inline = formula;
        slice.Start += found.Length;
        return true;
    }

    [GeneratedRegex(@"\G(?<dollars>\${1,2})(?![\s$])(?<tex>(?:\\.|[^$\\])+)(?<!\s)\k<dollars>(?![\d$])", RegexOptions.Singleline)]
    private static partial Regex Formula();
}
