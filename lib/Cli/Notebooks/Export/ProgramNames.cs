using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ClipNotebooks.Cli.Notebooks.Export;

/// <summary>
/// Renames symbols so that cells fit into one program. A cell may declare again what an earlier cell declared, or use the name of a later
/// cell's variable for a loop. One program has one scope for all of these, so the later of two declarations, or the one in a block, gets a
/// new name.
/// </summary>
internal sealed class ProgramNames
{
    private readonly Dictionary<ISymbol, string> _names = new(SymbolEqualityComparer.Default);
    private readonly HashSet<string> _written;

    internal ProgramNames(IReadOnlyList<SemanticModel> cells)
    {
        _written = [.. cells.SelectMany(cell => cell.SyntaxTree.GetRoot().DescendantTokens())
            .Where(token => token.IsKind(SyntaxKind.IdentifierToken)).Select(token => token.ValueText)];
        var declared = cells.SelectMany(Declared).ToList();
        HashSet<string> foreign = [.. cells.SelectMany(ForeignNames)], taken = [];
        foreach (var (symbol, _) in declared.Where(one => IsOfCell(one.Symbol)))
            if (!taken.Add(symbol.Name) || (foreign.Contains(symbol.Name) && symbol is not INamedTypeSymbol))
                _names[symbol] = Fresh(symbol.Name);
        foreach (var (symbol, at) in declared.Where(one => !IsOfCell(one.Symbol)))
            if (taken.Contains(symbol.Name) && SharesScope(at))
                _names[symbol] = Fresh(symbol.Name);
    }

    /// <summary>The new name of a symbol; null if it keeps its name.</summary>
    internal string? Renamed(ISymbol? symbol) => symbol is not null && _names.TryGetValue(symbol.OriginalDefinition, out string? name)
        ? name : null;

    /// <summary>Whether a symbol is a variable, function or type that other cells see.</summary>
    internal static bool IsOfCell(ISymbol symbol) => symbol.ContainingType is { IsScriptClass: true };

    private string Fresh(string name)
    {
        for (int i = 2; ; i++)
            if (_written.Add($"{name}{i}"))
                return $"{name}{i}";
    }

    private static IEnumerable<(ISymbol Symbol, SyntaxNode At)> Declared(SemanticModel cell) =>
        from node in cell.SyntaxTree.GetRoot().DescendantNodes()
        where node is VariableDeclaratorSyntax or SingleVariableDesignationSyntax or ForEachStatementSyntax or CatchDeclarationSyntax
            or FromClauseSyntax or LetClauseSyntax
            or MethodDeclarationSyntax or BaseTypeDeclarationSyntax
        let symbol = cell.GetDeclaredSymbol(node)
        where symbol is ILocalSymbol or IRangeVariableSymbol || (symbol is not null && IsOfCell(symbol))
        select (symbol, node);

    /// <summary>
    /// Unqualified names of what no cell declares, functions and types of the libraries: a variable of that name would hide these from the
    /// whole program.
    /// </summary>
    private static IEnumerable<string> ForeignNames(SemanticModel cell) =>
        from name in cell.SyntaxTree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>()
        where !IsMemberName(name)
        let info = cell.GetSymbolInfo(name)
        let symbol = info.Symbol ?? info.CandidateSymbols.FirstOrDefault()
        where symbol is IMethodSymbol or IPropertySymbol or IFieldSymbol or INamedTypeSymbol && !IsOfCell(symbol.OriginalDefinition)
            && symbol is not IMethodSymbol { MethodKind: MethodKind.LocalFunction }
        select name.Identifier.ValueText;

    /// <summary>
    /// Whether a name is looked up elsewhere than in the scope: after a dot, as a member in an initialiser, as an argument's name.
    /// </summary>
    private static bool IsMemberName(SimpleNameSyntax name) => name.Parent switch
    {
        MemberAccessExpressionSyntax access => access.Name == name,
        AssignmentExpressionSyntax { Parent: InitializerExpressionSyntax } member => member.Left == name,
        MemberBindingExpressionSyntax or NameColonSyntax or NameEqualsSyntax or QualifiedNameSyntax or UsingDirectiveSyntax => true,
        _ => false,
    };

    /// <summary>
    /// Whether a declaration shares the scope around it: functions and lambdas may reuse names from there, blocks may not.
    /// </summary>
    private static bool SharesScope(SyntaxNode at) =>
        !at.Ancestors().Any(node => node is AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax or BaseMethodDeclarationSyntax
        or BaseTypeDeclarationSyntax);
}
