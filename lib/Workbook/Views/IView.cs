namespace ClipNotebooks.Workbook.Views;

/// <summary>Something a cell ends in: markup for a page or an editor, and text for a terminal or a screen reader.</summary>
public interface IView
{
    /// <summary>
    /// The view as an HTML fragment that needs nothing from outside and is legible on light and dark ground; every foreign string is
    /// escaped.
    /// </summary>
    string ToHtml();

    /// <summary>The same content in plain text.</summary>
    string ToText();
}
