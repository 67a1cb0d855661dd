namespace ClipNotebooks.Core.Base;

/// <summary>Shortens what messages quote from a file, so that they stay readable whatever the file holds.</summary>
internal static class Quote
{
    /// <summary>The longest quotation, in characters.</summary>
    internal const int Longest = 200;

    private const int LongestCaption = 60;

    /// <summary>The text itself, or its beginning with an ellipsis in place of the rest.</summary>
    internal static string Cut(string? text)
    {
        if (text is null || text.Length <= Longest) return text ?? "";
        int end = char.IsHighSurrogate(text[Longest - 2]) ? Longest - 2 : Longest - 1;
        return string.Concat(text.AsSpan(0, end), "…");
    }

    /// <summary>A caption as messages show it: its first 60 characters.</summary>
    internal static string Caption(string text) =>
        text.Length <= LongestCaption ? text : string.Concat(text.AsSpan(0, LongestCaption), "…");

    /// <summary>A shape as messages show it, without its brackets.</summary>
    internal static string Shape(IEnumerable<long> sides) => Cut(string.Join(", ", sides));
}
