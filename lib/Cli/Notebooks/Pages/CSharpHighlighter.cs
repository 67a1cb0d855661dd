using System.Net;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// C# as escaped HTML with a class on keywords (k), strings (s), numbers (n), comments (c), types (t) and directives (d).
/// </summary>
internal static class CSharpHighlighter
{
    private static readonly CSharpParseOptions Script = new(LanguageVersion.CSharp14, kind: SourceCodeKind.Script);

    internal static string ToHtml(string source)
    {
        StringBuilder html = new();
        foreach (SyntaxToken token in CSharpSyntaxTree.ParseText(source, Script).GetRoot().DescendantTokens())
        {
            Append(html, token.LeadingTrivia);
            Append(html, token.Text, Class(token));
            Append(html, token.TrailingTrivia);
        }
        return html.ToString();
    }

    private static void Append(StringBuilder html, SyntaxTriviaList trivia)
    {
        foreach (SyntaxTrivia piece in trivia)
            Append(html, piece.ToFullString(), piece.IsDirective ? "d"
                : piece.Kind().ToString().Contains("Comment", StringComparison.Ordinal) ? "c" : "");
    }

    private static void Append(StringBuilder html, string text, string kind)
    {
        if (kind.Length > 0 && text.Length > 0)
            html.Append("<span class=\"").Append(kind).Append("\">").Append(WebUtility.HtmlEncode(text)).Append("</span>");
        else
            html.Append(WebUtility.HtmlEncode(text));
    }

    private static string Class(SyntaxToken token) => token.Kind() switch
    {
        SyntaxKind.NumericLiteralToken => "n",
        SyntaxKind.StringLiteralToken or SyntaxKind.CharacterLiteralToken or SyntaxKind.InterpolatedStringTextToken
            or SyntaxKind.InterpolatedStringStartToken
            or SyntaxKind.InterpolatedStringEndToken or SyntaxKind.InterpolatedVerbatimStringStartToken
                or SyntaxKind.SingleLineRawStringLiteralToken
            or SyntaxKind.MultiLineRawStringLiteralToken or SyntaxKind.InterpolatedSingleLineRawStringStartToken
            or SyntaxKind.InterpolatedMultiLineRawStringStartToken or SyntaxKind.InterpolatedRawStringEndToken => "s",
        var kind when SyntaxFacts.IsKeywordKind(kind) || SyntaxFacts.IsContextualKeyword(kind) => "k",
        SyntaxKind.IdentifierToken when token.Text == "var" => "k",
        SyntaxKind.IdentifierToken when token.Parent is BaseTypeDeclarationSyntax or ObjectCreationExpressionSyntax or GenericNameSyntax
            || token.Parent is IdentifierNameSyntax { Parent: ObjectCreationExpressionSyntax or VariableDeclarationSyntax or ParameterSyntax
                or BaseTypeSyntax or TypeArgumentListSyntax } => "t",
        _ => "",
    };
}
