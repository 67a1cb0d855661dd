namespace ClipNotebooks.Workbook.Views;

/// <summary>What a cell shows: markup for a page or an editor, and text for a terminal or a screen reader.</summary>
public interface IView
{
    /// <summary>
    /// The view as a self-contained HTML fragment that is legible on light and dark backgrounds; text from elsewhere is escaped.
    /// </summary>
    string ToHtml();

    /// <summary>The same content in plain text.</summary>
    string ToText();
}
