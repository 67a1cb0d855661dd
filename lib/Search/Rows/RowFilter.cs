using System.Diagnostics;
using System.Linq.Expressions;
using ClipNotebooks.Search.Storage;

namespace ClipNotebooks.Search.Rows;

/// <summary>Which rows count. Read from an expression once, then evaluated here row by row, or written as SQL for a server.</summary>
internal abstract record RowFilter
{
    /// <exception cref="InvalidDataException">A row's text cannot be read as a value of its property.</exception>
    internal abstract bool Passes(StoredEntry row);

    /// <summary>Every row, or none.</summary>
    internal sealed record Always(bool Truth) : RowFilter
    {
        internal override bool Passes(StoredEntry row) => Truth;
    }

    internal sealed record Both(RowFilter Left, RowFilter Right) : RowFilter
    {
        internal override bool Passes(StoredEntry row) => Left.Passes(row) && Right.Passes(row);
    }

    internal sealed record Either(RowFilter Left, RowFilter Right) : RowFilter
    {
        internal override bool Passes(StoredEntry row) => Left.Passes(row) || Right.Passes(row);
    }

    internal sealed record Not(RowFilter Inner) : RowFilter
    {
        internal override bool Passes(StoredEntry row) => !Inner.Passes(row);
    }

    /// <summary>
    /// Compares a property with a value: null equals null, and is neither less nor greater than anything; NaN, as in C#, does not even
    /// equal itself.
    /// </summary>
    /// <param name="Field">The property.</param>
    /// <param name="Operation">Equal, NotEqual, LessThan and so on.</param>
    /// <param name="Value">The value, in the form in which it is compared.</param>
    internal sealed record Comparison(RecordField Field, ExpressionType Operation, object? Value) : RowFilter
    {
        internal override bool Passes(StoredEntry row)
        {
            object? found = Field.ComparableIn(row);
            if (found is null || Value is null)
                return Operation == ExpressionType.Equal ? found == Value : Operation == ExpressionType.NotEqual && found != Value;
            if (found is double.NaN || Value is double.NaN) return Operation == ExpressionType.NotEqual;
            int order = Compare(found, Value);
            return Operation switch
            {
                ExpressionType.Equal => order == 0,
                ExpressionType.NotEqual => order != 0,
                ExpressionType.LessThan => order < 0,
                ExpressionType.LessThanOrEqual => order <= 0,
                ExpressionType.GreaterThan => order > 0,
                ExpressionType.GreaterThanOrEqual => order >= 0,
                _ => throw new UnreachableException($"{Operation} is no comparison."),
            };
        }
    }

    /// <summary>Whether a property's value is among the given ones; NaN is among them if one is NaN, as in LINQ.</summary>
    internal sealed record OneOf(RecordField Field, IReadOnlyList<object?> Values) : RowFilter
    {
        internal override bool Passes(StoredEntry row) => Values.Contains(Field.ComparableIn(row));
    }

    /// <summary>Whether a list property contains a text.</summary>
    internal sealed record Has(RecordField Field, string Value) : RowFilter
    {
        internal override bool Passes(StoredEntry row) => Field.TextsIn(row).Contains(Value);
    }

    /// <summary>The order of two values of one kind; texts by their code units, NaN before all numbers.</summary>
    internal static int Compare(object? left, object? right) => (left, right) switch
    {
        (string one, string other) => string.CompareOrdinal(one, other),
        _ => Comparer<object>.Default.Compare(left!, right!),
    };
}
