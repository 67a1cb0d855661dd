using System.Collections;
using System.Linq.Expressions;
using System.Reflection;
using ClipNotebooks.Search.Rows;

namespace ClipNotebooks.Search.Records;

/// <summary>
/// Reads a filter's expression: comparisons of a property with a value, Boolean properties, null, <c>Contains</c> on lists, &amp;&amp;, ||
/// and !. The values beside the properties are evaluated once.
/// </summary>
/// <param name="shape">The record's properties.</param>
/// <param name="record">The expression's parameter.</param>
internal sealed class FilterReader(RecordShape shape, ParameterExpression record)
{
    internal static RowFilter Read(RecordShape shape, LambdaExpression filter) =>
        new FilterReader(shape, filter.Parameters[0]).Read(filter.Body);

    /// <summary>The property that an expression selects.</summary>
    /// <exception cref="NotSupportedException">It selects no property.</exception>
    internal static RecordField Field(RecordShape shape, LambdaExpression selector) =>
        new FilterReader(shape, selector.Parameters[0]).FieldOf(Unboxed(selector.Body)) ?? throw Unsupported(selector.Body);

    private RowFilter Read(Expression node) => node switch
    {
        _ when !Mentions(node) && Value(node) is bool truth => new RowFilter.Always(truth),
        BinaryExpression { NodeType: ExpressionType.AndAlso or ExpressionType.And } both => Joined(both),
        BinaryExpression { NodeType: ExpressionType.OrElse or ExpressionType.Or } either => Joined(either),
        UnaryExpression { NodeType: ExpressionType.Not } not => new RowFilter.Not(Read(not.Operand)),
        UnaryExpression { NodeType: ExpressionType.Convert } same when same.Type == typeof(bool) => Read(same.Operand),
        BinaryExpression comparison => Comparison(comparison),
        MethodCallExpression { Method.Name: "Contains" } call => Contains(call),
        MemberExpression { Member.Name: "HasValue", Expression: { } inner } when FieldOf(inner) is { } field =>
            new RowFilter.Comparison(field, ExpressionType.NotEqual, null),
        _ when FieldOf(node) is { Kind: FieldKind.Truth } field => new RowFilter.Comparison(field, ExpressionType.Equal, true),
        _ => throw Unsupported(node),
    };

    private RowFilter Joined(BinaryExpression node)
    {
        var left = Read(node.Left);
        // As in C#, the right side is not looked at if the left one decides: like == null || record.Place == like.Place.
        return (node.NodeType, left) switch
        {
            (ExpressionType.AndAlso, RowFilter.Always { Truth: false }) => left,
            (ExpressionType.OrElse, RowFilter.Always { Truth: true }) => left,
            (ExpressionType.AndAlso or ExpressionType.And, _) => new RowFilter.Both(left, Read(node.Right)),
            _ => new RowFilter.Either(left, Read(node.Right)),
        };
    }

    private RowFilter.Comparison Comparison(BinaryExpression node)
    {
        // The operation, and the one that says the same with its sides exchanged.
        var (operation, turned) = node.NodeType switch
        {
            ExpressionType.Equal or ExpressionType.NotEqual => (node.NodeType, node.NodeType),
            ExpressionType.LessThan => (node.NodeType, ExpressionType.GreaterThan),
            ExpressionType.LessThanOrEqual => (node.NodeType, ExpressionType.GreaterThanOrEqual),
            ExpressionType.GreaterThan => (node.NodeType, ExpressionType.LessThan),
            ExpressionType.GreaterThanOrEqual => (node.NodeType, ExpressionType.LessThanOrEqual),
            _ => throw Unsupported(node),
        };
        var (left, right) = (node.Left, node.Right);
        if (FieldOf(left) is null) (operation, left, right) = (turned, right, left);
        if (FieldOf(left) is not { } field || Mentions(right) || field.Kind == FieldKind.List) throw Unsupported(node);
        return new RowFilter.Comparison(field, operation, field.Comparable(Value(right)));
    }

    /// <summary>Reads a call of <c>Contains</c> on an array, a list or a span, whichever method it is.</summary>
    private RowFilter Contains(MethodCallExpression call)
    {
        Expression[] parts = [.. call.Object is null ? [] : new[] { call.Object }, .. call.Arguments];
        // The third is a comparer, and a store has but one way of comparing.
        if (parts.Length is not (2 or 3) || parts is [_, _, var comparer] && (Mentions(comparer) || Value(comparer) is not null))
            throw Unsupported(call);
        var (source, item) = (parts[0], parts[1]);
        if (FieldOf(source) is { Kind: FieldKind.List } list && !Mentions(item) && Value(item) is string text)
            return new RowFilter.Has(list, text);
        if (FieldOf(item) is { } field && !Mentions(source) && Value(source) is IEnumerable values and not string
            && !HasOwnComparer(values))
            return new RowFilter.OneOf(field, [.. values.Cast<object?>().Select(field.Comparable)]);
        throw Unsupported(call);
    }

    /// <summary>Whether the values are a set of texts that finds them otherwise than by their code units.</summary>
    private static bool HasOwnComparer(IEnumerable values) => values is IEnumerable<string>
        && (values.GetType().GetProperty("Comparer") ?? values.GetType().GetProperty("KeyComparer"))?.GetValue(values) is { } comparer
        && !comparer.Equals(StringComparer.Ordinal) && !comparer.Equals(EqualityComparer<string>.Default);

    private RecordField? FieldOf(Expression node)
    {
        node = Unwrapped(node);
        if (node is MemberExpression { Member.Name: "Value", Expression: { } inner } && Nullable.GetUnderlyingType(inner.Type) is not null)
            node = inner;
        return node is MemberExpression { Member: PropertyInfo property } member && member.Expression == record
            ? shape.Field(property) : null;
    }

    /// <summary>Strips conversions that keep every value, as the compiler inserts them, also those from arrays to spans.</summary>
    private static Expression Unwrapped(Expression node) => node switch
    {
        UnaryExpression { NodeType: ExpressionType.Convert or ExpressionType.ConvertChecked } convert
            when Keeps(convert.Operand.Type, convert.Type) => Unwrapped(convert.Operand),
        MethodCallExpression { Method.Name: "op_Implicit", Arguments: [var inner] } when node.Type.IsByRefLike => Unwrapped(inner),
        _ => node,
    };

    /// <summary>Strips the conversion to object, the type of what a selector returns.</summary>
    private static Expression Unboxed(Expression node) =>
        node is UnaryExpression { NodeType: ExpressionType.Convert } convert && node.Type == typeof(object) ? convert.Operand : node;

    /// <summary>
    /// Whether a conversion keeps every value, so that the property itself can be compared. One between whole and other numbers is none: a
    /// whole number would have to be compared with 2.5.
    /// </summary>
    private static bool Keeps(Type from, Type to)
    {
        (from, to) = (Nullable.GetUnderlyingType(from) ?? from, Nullable.GetUnderlyingType(to) ?? to);
        if (from == to || (from, to) == (typeof(DateTime), typeof(DateTimeOffset))) return true;
        return (Type.GetTypeCode(from), Type.GetTypeCode(to)) switch
        {
            (TypeCode.Object, _) => !from.IsValueType && to != typeof(object) && to.IsAssignableFrom(from),
            (TypeCode.Byte, TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Int32 or TypeCode.UInt32 or TypeCode.Int64) => true,
            (TypeCode.Int16, TypeCode.Int32 or TypeCode.Int64) or (TypeCode.Int32, TypeCode.Int64) => true,
            (TypeCode.Single, TypeCode.Double) => true,
            var (one, other) => one == other, // an enumeration
        };
    }

    private bool Mentions(Expression node)
    {
        var search = new ParameterSearch(record);
        search.Visit(node);
        return search.Found;
    }

    private static object? Value(Expression node)
    {
        if (node.Type.IsByRefLike) node = Unwrapped(node);
        return node is ConstantExpression constant ? constant.Value
            : Expression.Lambda<Func<object?>>(Expression.Convert(node, typeof(object))).Compile(preferInterpretation: true)();
    }

    private static NotSupportedException Unsupported(Expression node) => new(
        $"The filter's part \"{node}\" cannot be asked of a store. A property can be compared with a value (==, !=, <, <=, >, >=), asked " +
        "for its truth, and looked for in a list (values.Contains(record.Property), record.List.Contains(value)); &&, || and ! join " +
        "parts.");

    private sealed class ParameterSearch(ParameterExpression parameter) : ExpressionVisitor
    {
        internal bool Found { get; private set; }

        protected override Expression VisitParameter(ParameterExpression node)
        {
            Found |= node == parameter;
            return node;
        }
    }
}
