namespace ClipNotebooks.Workbook.Views;

/// <summary>A view that notebook engines show in both forms and that prints as its text.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource))]
public abstract class View : IView
{
    /// <inheritdoc/>
    public abstract string ToHtml();

    /// <inheritdoc/>
    public abstract string ToText();

    /// <inheritdoc/>
    public sealed override string ToString() => ToText();
}
