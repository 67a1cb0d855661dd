using System.Net;
using System.Text;

namespace ClipNotebooks.Cli.Notebooks.Pages;

/// <summary>
/// Converts TeX to MathML, which browsers render themselves: fractions, roots, scripts, sums, Greek letters, functions, text. A formula
/// with anything else stays TeX, set as code, so that no formula is converted in part.
/// </summary>
internal sealed class Mathematics
{
    private static readonly Dictionary<string, string> Symbols = new()
    {
        ["cdot"] = "⋅",
        ["times"] = "×",
        ["le"] = "≤",
        ["leq"] = "≤",
        ["ge"] = "≥",
        ["geq"] = "≥",
        ["neq"] = "≠",
        ["ne"] = "≠",
        ["approx"] = "≈",
        ["to"] = "→",
        ["rightarrow"] = "→",
        ["mapsto"] = "↦",
        ["in"] = "∈",
        ["partial"] = "∂",
        ["nabla"] = "∇",
        ["pm"] = "±",
        ["sum"] = "∑",
        ["prod"] = "∏",
        ["ldots"] = "…",
        ["dots"] = "…",
        ["cdots"] = "⋯",
        ["vdots"] = "⋮",
        ["lVert"] = "‖",
        ["rVert"] = "‖",
        ["|"] = "‖",
        ["Vert"] = "‖",
        ["langle"] = "⟨",
        ["rangle"] = "⟩",
        ["odot"] = "⊙",
        ["oplus"] = "⊕",
        ["sim"] = "∼",
        ["mid"] = "|",
        ["circ"] = "∘",
        ["ast"] = "∗",
        ["{"] = "{",
        ["}"] = "}",
        ["%"] = "%",
        ["_"] = "_",
        ["&"] = "&",
    };

    private static readonly Dictionary<string, string> Letters = new()
    {
        ["alpha"] = "α",
        ["beta"] = "β",
        ["gamma"] = "γ",
        ["delta"] = "δ",
        ["epsilon"] = "ϵ",
        ["varepsilon"] = "ε",
        ["zeta"] = "ζ",
        ["eta"] = "η",
        ["theta"] = "θ",
        ["kappa"] = "κ",
        ["lambda"] = "λ",
        ["mu"] = "μ",
        ["nu"] = "ν",
        ["xi"] = "ξ",
        ["pi"] = "π",
        ["rho"] = "ρ",
        ["sigma"] = "σ",
        ["tau"] = "τ",
        ["phi"] = "ϕ",
        ["varphi"] = "φ",
        ["chi"] = "χ",
        ["psi"] = "ψ",
        ["omega"] = "ω",
        ["Gamma"] = "Γ",
        ["Delta"] = "Δ",
        ["Theta"] = "Θ",
        ["Lambda"] = "Λ",
        ["Xi"] = "Ξ",
        ["Pi"] = "Π",
        ["Sigma"] = "Σ",
        ["Phi"] = "Φ",
        ["Psi"] = "Ψ",
        ["Omega"] = "Ω",
        ["ell"] = "ℓ",
        // Not operators, which would get space on both sides.
        ["infty"] = "∞",
        ["top"] = "⊤",
    };

    private static readonly HashSet<string> Functions = ["log", "exp", "ln", "max", "min", "arg", "cos", "sin", "tanh", "lim", "det"];

    private static readonly Dictionary<string, string> Spaces =
        new() { [","] = "0.17em", [";"] = "0.28em", [":"] = "0.22em", ["!"] = "-0.17em", [" "] = "0.28em", ["quad"] = "1em",
        ["qquad"] = "2em" };

    private static readonly HashSet<string> Texts =
        ["text", "mathrm", "operatorname", "mathbf", "textbf", "mathit", "mathcal", "mathbb", "texttt"];

    private readonly string _tex;
    private int _at;

    private Mathematics(string tex) => _tex = tex;

    internal static string ToHtml(string tex, bool display)
    {
        try
        {
            Mathematics reader = new(tex);
            string body = reader.Row(end: '\0');
            string mode = display ? " display=\"block\"" : "";
            string math = $"<math{mode} aria-label=\"{WebUtility.HtmlEncode(tex)}\"><mrow>{body}</mrow></math>";
            return display ? $"<div class=\"math\" tabindex=\"0\">{math}</div>" : math;
        }
        catch (FormatException)
        {
            string code = $"<code class=\"math\">{WebUtility.HtmlEncode(tex)}</code>";
            return display ? $"<div class=\"math\" tabindex=\"0\">{code}</div>" : code;
        }
    }

    private string Row(char end)
    {
        StringBuilder row = new();
        while (true)
        {
            SkipSpaces();
            if (_at >= _tex.Length)
                return end == '\0' ? row.ToString() : throw new FormatException($"no {end}");
            if (_tex[_at] == end)
            {
                _at++;
                return row.ToString();
            }
            row.Append(Scripted());
        }
    }

    private string Scripted()
    {
        bool limits = _tex[_at..].StartsWith(@"\sum", StringComparison.Ordinal)
            || _tex[_at..].StartsWith(@"\prod", StringComparison.Ordinal);
        string atom = Atom();
        string? below = null, above = null;
        for (SkipSpaces(); _at < _tex.Length && _tex[_at] is '_' or '^' or '\''; SkipSpaces())
        {
            char mark = _tex[_at++];
            if (mark == '\'')
                above = (above ?? "") + "<mo lspace=\"0\" rspace=\"0\">′</mo>";
            else if (mark == '_' && below is null)
                below = Argument();
            else if (mark == '^' && above is null)
                above = Argument();
            else
                throw new FormatException("two scripts");
        }
        string name = limits ? (below, above) switch { (null, _) => "mover", (_, null) => "munder", _ => "munderover" }
            : (below, above) switch { (null, _) => "msup", (_, null) => "msub", _ => "msubsup" };
        return below is null && above is null ? atom
            : $"<{name}>{atom}{(below is null ? "" : $"<mrow>{below}</mrow>")}{(above is null ? "" : $"<mrow>{above}</mrow>")}</{name}>";
    }

    private string Argument()
    {
        SkipSpaces();
        return _at < _tex.Length ? Atom() : throw new FormatException("an argument is missing");
    }

    private string Atom()
    {
        char c = _tex[_at++];
        switch (c)
        {
            case '{':
                return $"<mrow>{Row('}')}</mrow>";
            case '\\':
                return Command();
            case '}' or '&' or '#' or '$' or '^' or '_':
                throw new FormatException($"unexpected {c}");
        }
        if (char.IsAsciiDigit(c))
        {
            int start = _at - 1;
            while (_at < _tex.Length && (char.IsAsciiDigit(_tex[_at])
                || (_tex[_at] == '.' && _at + 1 < _tex.Length && char.IsAsciiDigit(_tex[_at + 1]))))
                _at++;
            return $"<mn>{_tex[start.._at]}</mn>";
        }
        if (char.IsLetter(c))
            return $"<mi>{c}</mi>";
        string shown = c switch { '-' => "−", '*' => "∗", '~' => "\u00A0", _ => WebUtility.HtmlEncode(c.ToString()) };
        return c is '(' or ')' or '[' or ']' or '|' ? $"<mo stretchy=\"false\">{shown}</mo>" : $"<mo>{shown}</mo>";
    }

    private string Command()
    {
        string name = Name();
        if (Symbols.TryGetValue(name, out string? symbol))
        {
            string stretch = symbol is "‖" or "⟨" or "⟩" or "{" or "}" or "|" ? " stretchy=\"false\"" : "";
            return $"<mo{stretch}>{WebUtility.HtmlEncode(symbol)}</mo>";
        }
        if (Letters.TryGetValue(name, out string? letter))
            return char.IsUpper(letter[0]) ? $"<mi mathvariant=\"normal\">{letter}</mi>" : $"<mi>{letter}</mi>";   // as TeX sets them
        if (Functions.Contains(name))
            return $"<mi>{name}</mi>";
        if (Spaces.TryGetValue(name, out string? width))
            return $"<mspace width=\"{width}\"></mspace>";
        if (Texts.Contains(name))
            return Words(name);
        return name switch
        {
            "frac" or "tfrac" or "dfrac" => $"<mfrac><mrow>{Argument()}</mrow><mrow>{Argument()}</mrow></mfrac>",
            "sqrt" => $"<msqrt>{Argument()}</msqrt>",
            "hat" => $"<mover>{Argument()}<mo>^</mo></mover>",
            "bar" => $"<mover>{Argument()}<mo>¯</mo></mover>",
            "left" or "right" or "big" or "Big" or "bigl" or "bigr" => Delimiter(),
            _ => throw new FormatException($"unknown command {name}"),
        };
    }

    private string Delimiter()
    {
        SkipSpaces();
        if (_at < _tex.Length && _tex[_at] == '.')
        {
            _at++;
            return "";
        }
        return Argument().Replace(" stretchy=\"false\"", "", StringComparison.Ordinal);
    }

    private string Words(string name)
    {
        SkipSpaces();
        int close = _at < _tex.Length && _tex[_at] == '{' ? _tex.IndexOf('}', _at) : -1;
        if (close < 0)
            throw new FormatException("text without braces");
        string text = _tex[(_at + 1)..close];
        if (text.AsSpan().ContainsAny('\\', '{', '$'))
            throw new FormatException("commands inside text");
        _at = close + 1;
        text = WebUtility.HtmlEncode(text);
        return name switch
        {
            "text" or "textbf" => $"<mtext>{text.Replace(" ", "\u00A0", StringComparison.Ordinal)}</mtext>",
            "texttt" => $"<mtext class=\"mono\">{text}</mtext>",
            "mathbf" => $"<mi class=\"bold\" mathvariant=\"normal\">{text}</mi>",
            "mathcal" when text == "L" => "<mi>ℒ</mi>",
            "mathbb" when text == "R" => "<mi>ℝ</mi>",
            "mathcal" or "mathbb" => throw new FormatException("a letter without a form here"),
            _ => $"<mi mathvariant=\"normal\">{text}</mi>",
        };
    }

    private string Name()
    {
        int start = _at;
        while (_at < _tex.Length && char.IsAsciiLetter(_tex[_at]))
            _at++;
        if (_at == start && _at < _tex.Length)
            _at++;
        return _tex[start.._at];
    }

    private void SkipSpaces()
    {
        while (_at < _tex.Length && char.IsWhiteSpace(_tex[_at]))
            _at++;
    }
}
