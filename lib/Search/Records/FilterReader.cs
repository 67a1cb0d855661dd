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
        new FilterReader(shape, selector.Parameters[0]).FieldOf(selector.Body) ?? throw Unsupported(selector.Body);

    private RowFilter Read(Expression node) => node switch
    {
        BinaryExpression { NodeType: ExpressionType.AndAlso or ExpressionType.And } both =>
            new RowFilter.Both(Read(both.Left), Read(both.Right)),
        BinaryExpression { NodeType: ExpressionType.OrElse or ExpressionType.Or } either =>
            new RowFilter.Either(Read(either.Left), Read(either.Right)),
        UnaryExpression { NodeType: ExpressionType.Not } not => new RowFilter.Not(Read(not.Operand)),
        UnaryExpression { NodeType: ExpressionType.Convert } same when same.Type == typeof(bool) => Read(same.Operand),
        BinaryExpression comparison => Comparison(comparison),
        MethodCallExpression { Method.Name: "Contains" } call => Contains(call),
        MemberExpression { Member.Name: "HasValue", Expression: { } inner } when FieldOf(inner) is { } field =>
            new RowFilter.Comparison(field, ExpressionType.NotEqual, null),
        _ when FieldOf(node) is { Kind: FieldKind.Truth } field => new RowFilter.Comparison(field, ExpressionType.Equal, true),
        _ when !Mentions(node) && Value(node) is bool truth => new RowFilter.Always(truth),
        _ => throw Unsupported(node),
    };

    private RowFilter.Comparison Comparison(BinaryExpression node)
    {
        var (operation, left, right) = (node.NodeType, node.Left, node.Right);
        if (FieldOf(left) is null) (operation, left, right) = (Turned(operation), right, left);
        if (FieldOf(left) is not { } field || Mentions(right) || field.Kind == FieldKind.List) throw Unsupported(node);
        object? value = Value(right);
        // A comparison such as 2 < 2.5 cannot be made with whole numbers alone.
        if (field.Kind == FieldKind.Integer && value is float or double or decimal) throw Unsupported(node);
        return new RowFilter.Comparison(field, operation, field.Comparable(value));

        ExpressionType Turned(ExpressionType type) => type switch
        {
            ExpressionType.Equal or ExpressionType.NotEqual => type,
            ExpressionType.LessThan => ExpressionType.GreaterThan,
            ExpressionType.LessThanOrEqual => ExpressionType.GreaterThanOrEqual,
            ExpressionType.GreaterThan => ExpressionType.LessThan,
            ExpressionType.GreaterThanOrEqual => ExpressionType.LessThanOrEqual,
            _ => throw Unsupported(node),
        };
    }

    /// <summary>Reads a call of <c>Contains</c> on an array, a list or a span, whichever method it is.</summary>
    private RowFilter Contains(MethodCallExpression call)
    {
        Expression[] parts = [.. call.Object is null ? [] : new[] { call.Object }, .. call.Arguments];
        if (parts.Length < 2) throw Unsupported(call);
        var (source, item) = (parts[0], parts[1]);
        if (FieldOf(source) is { Kind: FieldKind.List } list && !Mentions(item) && Value(item) is string text)
            return new RowFilter.Has(list, text);
        if (FieldOf(item) is { } field && !Mentions(source) && Value(source) is IEnumerable values and not string)
            return new RowFilter.OneOf(field, [.. values.Cast<object?>().Select(field.Comparable)]);
        throw Unsupported(call);
    }

    private RecordField? FieldOf(Expression node)
    {
        node = Unwrapped(node);
        if (node is MemberExpression { Member.Name: "Value", Expression: { } inner } && Nullable.GetUnderlyingType(inner.Type) is not null)
            node = inner;
        return node is MemberExpression { Member: PropertyInfo property } member && member.Expression == record
            ? shape.Field(property) : null;
    }

    /// <summary>Strips the conversions that the compiler inserts, also those from arrays to spans.</summary>
    private static Expression Unwrapped(Expression node) => node switch
    {
        UnaryExpression { NodeType: ExpressionType.Convert } convert => Unwrapped(convert.Operand),
        MethodCallExpression { Method.Name: "op_Implicit", Arguments: [var inner] } => Unwrapped(inner),
        _ => node,
    };

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
