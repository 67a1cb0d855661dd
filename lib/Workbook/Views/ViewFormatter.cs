namespace ClipNotebooks.Workbook.Views;

/// <summary>Writes a view in one form.</summary>
/// <param name="mimeType">The form's MIME type.</param>
/// <param name="form">Makes the form.</param>
public sealed class ViewFormatter(string mimeType, Func<IView, string> form)
{
    /// <summary>The form's MIME type.</summary>
    public string MimeType { get; } = mimeType;

    /// <summary>Writes <paramref name="instance"/> if it is a view.</summary>
    /// <returns>Whether it was.</returns>
    public bool Format(object instance, TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (instance is not IView view) return false;
        writer.Write(form(view));
        return true;
    }
}
