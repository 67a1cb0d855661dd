using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Rows;

/// <summary>A property of a record that is kept as text: the key as the row's name, others among its metadata.</summary>
/// <param name="Name">Its key in the metadata; null for the record's key.</param>
/// <param name="Property">The property.</param>
internal sealed record RecordField(string? Name, PropertyInfo Property)
{
    /// <summary>Gives texts of equal length, so that moments sort as their texts do.</summary>
    private const string Moment = "yyyy-MM-ddTHH:mm:ss.fffffffZ";

    internal FieldKind Kind { get; } = KindOf(Property);

    /// <summary>Whether the property is a float: its text then stands for the nearest float, not for the nearest double.</summary>
    internal bool IsSingle => Type == typeof(float);

    private Type Type { get; } = Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>The text that a row stores for the property; null if there is none.</summary>
    internal string? TextIn(StoredEntry entry) => Name is null ? entry.Id : entry.Metadata.GetValueOrDefault(Name);

    /// <summary>A row's value in the form in which it is compared: text, long, double, decimal or bool; null if the row has none.</summary>
    /// <exception cref="InvalidDataException">The row's text cannot be read as such a value.</exception>
    internal object? ComparableIn(StoredEntry entry) => TextIn(entry) is { } text ? Parsed(text, entry.Id) : null;

    /// <summary>A value of the property's type in the form in which it is compared; null stays null.</summary>
    internal object? Comparable(object? value) => value is null ? null : Kind switch
    {
        FieldKind.Integer => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        FieldKind.Real => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        FieldKind.Exact => Convert.ToDecimal(value, CultureInfo.InvariantCulture),
        FieldKind.Truth => (bool)value,
        _ => Text(value),
    };

    /// <summary>A value of the property as text; null stays null.</summary>
    internal string? Text(object? value) => value switch
    {
        null => null,
        string text => text,
        bool truth => truth ? "true" : "false",
        DateTime time => (time.Kind == DateTimeKind.Local ? time.ToUniversalTime() : time).ToString(Moment, CultureInfo.InvariantCulture),
        DateTimeOffset time => time.UtcDateTime.ToString(Moment, CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("O", CultureInfo.InvariantCulture),
        IEnumerable<string> texts => JsonSerializer.Serialize(texts),
        double or float => ((IFormattable)value).ToString("R", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"{Property.Name} cannot be kept as text."),
    };

    /// <summary>Sets the property of a record from a row; leaves it unset if the row has no text for it.</summary>
    /// <exception cref="InvalidDataException">The row's text cannot be read as a value of the property.</exception>
    internal void Set(object record, StoredEntry entry)
    {
        if (TextIn(entry) is not { } text) return;
        object value = Kind switch
        {
            FieldKind.List => Texts(text, entry.Id) is var texts && Type.IsArray ? texts : texts.ToList(),
            FieldKind.Text when Type != typeof(string) => ParsedText(text, entry.Id),
            FieldKind.Text => text,
            _ => Narrowed(text, entry.Id),
        };
        Property.SetValue(record, value);
    }

    internal IReadOnlyList<string> TextsIn(StoredEntry entry) => TextIn(entry) is { } text ? Texts(text, entry.Id) : [];

    private object Parsed(string text, string id)
    {
        var (style, culture) = (NumberStyles.Float, CultureInfo.InvariantCulture);
        return Kind switch
        {
            FieldKind.Integer when long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out long number) => number,
            FieldKind.Real when IsSingle && float.TryParse(text, style, culture, out float number) => (double)number,
            FieldKind.Real when double.TryParse(text, style, culture, out double number) => number,
            FieldKind.Exact when decimal.TryParse(text, style, culture, out decimal number) => number,
            FieldKind.Truth when bool.TryParse(text, out bool truth) => truth,
            FieldKind.Text or FieldKind.List => text,
            _ => throw Wrong(text, id),
        };
    }

    private object Narrowed(string text, string id)
    {
        try
        {
            return Convert.ChangeType(Parsed(text, id), Type, CultureInfo.InvariantCulture);
        }
        catch (OverflowException)
        {
            throw Wrong(text, id);
        }
    }

    private object ParsedText(string text, string id)
    {
        var (culture, universal) = (CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        if (Type == typeof(Guid) && Guid.TryParse(text, out var guid)) return guid;
        if (Type == typeof(DateOnly) && DateOnly.TryParseExact(text, "O", culture, DateTimeStyles.None, out var date)) return date;
        if (Type == typeof(DateTime) && DateTime.TryParse(text, culture, universal, out var time)) return time;
        if (Type == typeof(DateTimeOffset) && DateTimeOffset.TryParse(text, culture, universal, out var moment)) return moment;
        throw Wrong(text, id);
    }

    private string[] Texts(string text, string id)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(text) ?? [];
        }
        catch (JsonException)
        {
            throw Wrong(text, id);
        }
    }

    private InvalidDataException Wrong(string text, string id) => new(
        $"\"{id}\" has \"{text}\" as {Name}, which stands for no {Type.Name}: the property {Property.Name} of " +
        $"{Property.DeclaringType!.Name} cannot be read. Mend the row, or give the property another type.");

    private static FieldKind KindOf(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type == typeof(string) || type == typeof(Guid) || type == typeof(DateTime) || type == typeof(DateTimeOffset)
            || type == typeof(DateOnly)) return FieldKind.Text;
        if (type == typeof(bool)) return FieldKind.Truth;
        if (type == typeof(decimal)) return FieldKind.Exact;
        if (type == typeof(float) || type == typeof(double)) return FieldKind.Real;
        if (type == typeof(byte) || type == typeof(short) || type == typeof(int) || type == typeof(long)) return FieldKind.Integer;
        if (type == typeof(string[]) || type.IsAssignableFrom(typeof(List<string>)) && typeof(IEnumerable<string>).IsAssignableFrom(type))
            return FieldKind.List;
        throw new NotSupportedException(
            $"The property {property.Name} of {property.DeclaringType!.Name} is a {type.Name}. Data may be string, bool, byte, short, " +
            "int, long, float, double, decimal, Guid, DateTime, DateTimeOffset, DateOnly, string[] and List<string>.");
    }
}
