namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Tells a notebook engine how to show a type. Engines look for an attribute of this name and these members, so the library needs no
/// reference to any engine.
/// </summary>
/// <param name="formatterSourceType">A type with a public <c>IEnumerable&lt;object&gt; CreateTypeFormatters()</c>.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class TypeFormatterSourceAttribute(Type formatterSourceType) : Attribute
{
    /// <summary>The type that makes the formatters.</summary>
    public Type FormatterSourceType { get; } = formatterSourceType;

    /// <summary>The forms in the order of preference.</summary>
    public string[] PreferredMimeTypes { get; set; } = ["text/html", "text/plain"];
}
