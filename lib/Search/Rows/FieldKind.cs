namespace ClipNotebooks.Search.Rows;

/// <summary>What a property's stored text stands for, and so how it is compared.</summary>
internal enum FieldKind
{
    /// <summary>Text, or a value that sorts as its text does: a moment, a date, a GUID.</summary>
    Text,

    /// <summary>A whole number of at most 64 bits.</summary>
    Integer,

    /// <summary>A floating-point number.</summary>
    Real,

    /// <summary>A decimal number.</summary>
    Exact,

    /// <summary>true or false.</summary>
    Truth,

    /// <summary>Texts, as an array of JSON.</summary>
    List,
}
