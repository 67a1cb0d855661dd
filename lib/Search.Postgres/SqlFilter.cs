using System.Diagnostics;
using System.Linq.Expressions;
using ClipNotebooks.Search.Rows;
using Npgsql;

namespace ClipNotebooks.Search.Postgres;

/// <summary>Writes a filter as SQL over the jsonb column metadata; values become parameters, names are quoted.</summary>
/// <param name="parameters">The command's parameters, to which values are added.</param>
internal sealed class SqlFilter(NpgsqlParameterCollection parameters)
{
    private const string NaN = "'NaN'::double precision";

    internal string Of(RowFilter filter) => filter switch
    {
        RowFilter.Always always => always.Truth ? "TRUE" : "FALSE",
        RowFilter.Both both => $"({Of(both.Left)} AND {Of(both.Right)})",
        RowFilter.Either either => $"({Of(either.Left)} OR {Of(either.Right)})",
        RowFilter.Not not => $"(NOT {Of(not.Inner)})",
        RowFilter.Has has => Known($"jsonb_exists({Text(has.Field)}::jsonb, {Parameter(has.Value)})"),
        RowFilter.Comparison { Value: null } missing => missing.Operation switch
        {
            ExpressionType.Equal => $"({Text(missing.Field)} IS NULL)",
            ExpressionType.NotEqual => $"({Text(missing.Field)} IS NOT NULL)",
            _ => "FALSE",
        },
        // NaN equals NaN in SQL, and nothing in C#.
        RowFilter.Comparison { Value: double.NaN } never => never.Operation == ExpressionType.NotEqual ? "TRUE" : "FALSE",
        RowFilter.Comparison comparison => comparison.Operation switch
        {
            ExpressionType.Equal => Compared(comparison, "="),
            ExpressionType.NotEqual => $"({Value(comparison.Field)} IS DISTINCT FROM {Parameter(comparison.Value!)})",
            ExpressionType.LessThan => Compared(comparison, "<"),
            ExpressionType.LessThanOrEqual => Compared(comparison, "<="),
            ExpressionType.GreaterThan => Greater(comparison, ">"),
            ExpressionType.GreaterThanOrEqual => Greater(comparison, ">="),
            _ => throw new UnreachableException($"{comparison.Operation} is no comparison."),
        },
        RowFilter.OneOf among => Among(among),
        _ => throw new NotSupportedException($"{filter.GetType().Name} has no form in SQL."),
    };

    /// <summary>The SQL of a property, in the form in which it is compared.</summary>
    internal static string Value(RecordField field) => field.Kind switch
    {
        FieldKind.Integer => $"({Text(field)})::bigint",
        FieldKind.Real => $"({Text(field)}){(field.IsSingle ? "::real" : "")}::double precision",
        FieldKind.Exact => $"({Text(field)})::numeric",
        FieldKind.Truth => $"({Text(field)})::boolean",
        _ => $"({Text(field)} COLLATE \"C\")",
    };

    /// <summary>The terms of ORDER BY for a property, each with a comma after it, which give the order of <see cref="RowQuery"/>.</summary>
    internal static string Order(RecordField field, bool ascending)
    {
        string direction = ascending ? "NULLS FIRST" : "DESC NULLS LAST", value = Value(field);
        // SQL puts NaN after all numbers.
        return (field.Kind == FieldKind.Real ? $"{value} <> {NaN} {direction}, " : "") + $"{value} {direction}, ";
    }

    internal string Parameter(object value)
    {
        parameters.Add(new NpgsqlParameter { Value = value });
        return $"${parameters.Count}";
    }

    private string Compared(RowFilter.Comparison comparison, string sign, string besides = "") =>
        Known($"{Value(comparison.Field)} {sign} {Parameter(comparison.Value!)}{besides}");

    /// <summary>As <see cref="Compared"/>; in SQL NaN is greater than all numbers, and in C# it is not.</summary>
    private string Greater(RowFilter.Comparison comparison, string sign) =>
        Compared(comparison, sign, comparison.Field.Kind == FieldKind.Real ? $" AND {Value(comparison.Field)} <> {NaN}" : "");

    private string Among(RowFilter.OneOf among)
    {
        object[] values = [.. among.Values.OfType<object>()];
        string found = Known($"{Value(among.Field)} = ANY({Parameter(Typed(values, among.Field.Kind))})");
        return values.Length == among.Values.Count ? found : $"({found} OR {Text(among.Field)} IS NULL)";
    }

    private static Array Typed(object[] values, FieldKind kind) => kind switch
    {
        FieldKind.Integer => values.Cast<long>().ToArray(),
        FieldKind.Real => values.Cast<double>().ToArray(),
        FieldKind.Exact => values.Cast<decimal>().ToArray(),
        FieldKind.Truth => values.Cast<bool>().ToArray(),
        _ => values.Cast<string>().ToArray(),
    };

    /// <summary>A condition that SQL makes NULL, because the row lacks the property, is false as in C#, also under NOT.</summary>
    private static string Known(string condition) => $"COALESCE({condition}, FALSE)";

    private static string Text(RecordField field) => field.Name is not { } name ? "id"
        : $"(metadata ->> '{name.Replace("'", "''", StringComparison.Ordinal)}')";
}
