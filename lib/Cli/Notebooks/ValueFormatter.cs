using System.Collections;
using System.Globalization;
using System.Reflection;
using Microsoft.CodeAnalysis.CSharp.Scripting.Hosting;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Turns a value into text and, where its type offers it, HTML. A view is told by names alone (an attribute named
/// TypeFormatterSourceAttribute, or methods ToHtml and ToText), so the library needs no reference to any engine.</summary>
internal static class ValueFormatter
{
    internal static (string Text, string? Html) Format(object? value)
    {
        if (value is null)
            return ("<null>", null);
        Dictionary<string, string> forms = BySource(value);
        string? html = forms.GetValueOrDefault("text/html") ?? Call(value, "ToHtml");
        string text = Call(value, "ToText") ?? forms.GetValueOrDefault("text/plain") ?? Plain(value);
        return (text, html);
    }

    private static string? Call(object value, string method) =>
        value.GetType().GetMethod(method, BindingFlags.Public | BindingFlags.Instance, []) is { } found && found.ReturnType == typeof(string)
            ? (string?)found.Invoke(value, null) : null;

    private static string Plain(object value)
    {
        bool saysItself = value.GetType().GetMethod("ToString", [])?.DeclaringType is { } at && at != typeof(object) && at != typeof(ValueType);
        return value switch
        {
            string text => text,
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            IEnumerable when !saysItself => CSharpObjectFormatter.Instance.FormatObject(value),
            _ when saysItself => value.ToString() ?? "",
            _ => CSharpObjectFormatter.Instance.FormatObject(value),
        };
    }

    private static Dictionary<string, string> BySource(object value)
    {
        Dictionary<string, string> forms = [];
        object? attribute = value.GetType().GetCustomAttributes(inherit: true).FirstOrDefault(a => a.GetType().Name == "TypeFormatterSourceAttribute");
        if (attribute is null || Property(attribute, "FormatterSourceType") is not Type source)
            return forms;
        object instance = Activator.CreateInstance(source)!;
        var formatters = (IEnumerable)source.GetMethod("CreateTypeFormatters")!.Invoke(instance, null)!;
        foreach (object formatter in formatters)
        {
            using StringWriter writer = new(CultureInfo.InvariantCulture);
            MethodInfo format = formatter.GetType().GetMethod("Format", [typeof(object), typeof(TextWriter)])!;
            if (format.Invoke(formatter, [value, writer]) is true)
                forms.TryAdd((string)Property(formatter, "MimeType")!, writer.ToString());
        }
        return forms;
    }

    private static object? Property(object from, string name) => from.GetType().GetProperty(name)?.GetValue(from);
}
