using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// A code cell split into the parts of a program: usings for the file's head, statements, and types for the file's end. The text is the
/// cell's, except where it has to change.
/// </summary>
internal sealed class ProgramCell
{
    internal ProgramCell(SemanticModel model, ProgramNames names)
    {
        var root = (CompilationUnitSyntax)model.SyntaxTree.GetRoot();
        var changes = Renames(model, names).ToList();
        string text = model.SyntaxTree.ToString();
        Usings = [.. root.Usings.Select(directive => directive.ToString())];
        foreach (SyntaxNode away in root.Usings)
            changes.Add(new(Line(away, text), ""));
        foreach (SyntaxNode reference in root.GetReferenceDirectives())
            changes.Add(new(Line(reference, text), ""));
        var types = root.Members.Where(member => member is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax).ToList();
        Types = [.. types.Select(type => Changed(text, type.FullSpan, changes).Trim())];
        if (root.Members.FirstOrDefault(member => member is PropertyDeclarationSyntax or EventFieldDeclarationSyntax
            or BaseNamespaceDeclarationSyntax) is { } odd)
            throw new NotSupportedException($"a {odd.Kind()} cannot be a statement of a program: {odd.ToString().Split('\n')[0]}");
        foreach (MemberDeclarationSyntax member in root.Members.Except(types))
            foreach (SyntaxToken modifier in member.Modifiers.Where(
                modifier => modifier.Kind() is SyntaxKind.PublicKeyword or SyntaxKind.PrivateKeyword or SyntaxKind.InternalKeyword
                or SyntaxKind.ReadOnlyKeyword))
                changes.Add(new(modifier.FullSpan, ""));
        if (root.Members.LastOrDefault() is GlobalStatementSyntax { Statement: ExpressionStatementSyntax { SemicolonToken.IsMissing: true,
            Expression: var shown } })
        {
            bool isValue = model.GetTypeInfo(shown).Type?.SpecialType != SpecialType.System_Void;
            if (isValue)
                changes.Add(new(new TextSpan(shown.SpanStart, 0), "display("));
            changes.Add(new(new TextSpan(shown.Span.End, 0), isValue ? ");" : ";"));
        }
        changes.RemoveAll(change => types.Any(type => type.FullSpan.Contains(change.Span)));
        changes.AddRange(types.Select(type => new TextChange(type.FullSpan, "")));
        Statements = Changed(text, new TextSpan(0, text.Length), changes).Trim('\n', '\r');
    }

    internal IReadOnlyList<string> Usings { get; }

    internal string Statements { get; }

    internal IReadOnlyList<string> Types { get; }

    private static IEnumerable<TextChange> Renames(SemanticModel model, ProgramNames names)
    {
        foreach (SyntaxToken token in model.SyntaxTree.GetRoot().DescendantTokens()
            .Where(token => token.IsKind(SyntaxKind.IdentifierToken)))
        {
            SyntaxNode node = token.Parent!;
            ISymbol? symbol = node is SimpleNameSyntax ? model.GetSymbolInfo(node).Symbol : model.GetDeclaredSymbol(node);
            if (names.Renamed(symbol) is not { } name)
                continue;
            // In (x, y) and new { x } the variable names a member: if the variable is renamed, the member keeps its name.
            bool part = node is IdentifierNameSyntax && node.Parent is ArgumentSyntax { NameColon: null,
                Parent: TupleExpressionSyntax { Parent: not AssignmentExpressionSyntax
                    { RawKind: (int)SyntaxKind.SimpleAssignmentExpression } } };
            bool member = node is IdentifierNameSyntax && node.Parent is AnonymousObjectMemberDeclaratorSyntax { NameEquals: null };
            yield return new(token.Span, part ? $"{token.ValueText}: {name}" : member ? $"{token.ValueText} = {name}" : name);
        }
    }

    /// <summary>The span of a directive and of its line end.</summary>
    private static TextSpan Line(SyntaxNode node, string text)
    {
        int end = text.IndexOf('\n', node.Span.End - 1);
        return TextSpan.FromBounds(node.SpanStart, end < 0 ? text.Length : Math.Max(end + 1, node.Span.End));
    }

    private static string Changed(string text, TextSpan span, IEnumerable<TextChange> changes)
    {
        var source = SourceText.From(text);
        var within = changes.Where(change => span.Contains(change.Span)).OrderBy(change => change.Span.Start).ToList();
        var all = source.WithChanges(within);
        int longer = within.Sum(change => change.NewText!.Length - change.Span.Length);
        return all.ToString(new TextSpan(span.Start, span.Length + longer));
    }
}
