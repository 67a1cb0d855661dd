using System.Text.RegularExpressions;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>Translates the names of parameters between this library and a layout.</summary>
/// <param name="layout">The layout's name in messages.</param>
/// <param name="rules">The rules; the first that fits is used.</param>
internal sealed partial class NameTable(string layout, params IReadOnlyList<NameRule> rules)
{
    /// <summary>Where the layout stores a parameter.</summary>
    /// <exception cref="ArgumentException">The layout has no name for it.</exception>
    internal ParameterSource Source(string name)
    {
        var (pattern, number) = Split(name);
        foreach (var rule in rules)
        {
            if (rule.Ours == pattern) return new ParameterSource([.. rule.Theirs.Select(theirs => Fill(theirs, number))],
                rule.Transposed) { Leading = rule.Leading, Shares = rule.Shares };
            if (Rest(rule.Ours, pattern) is { } rest && rule.Theirs.Length == 1) return new ParameterSource(
                [Fill(rule.Theirs[0] + rest, number)], false);
        }
        throw new ArgumentException($"The parameter \"{name}\" has no place in {layout}.", nameof(name));
    }

    /// <summary>Where a tensor of the layout goes.</summary>
    /// <exception cref="ArgumentException">No parameter corresponds to the name.</exception>
    internal ParameterTarget Target(string key)
    {
        var (pattern, number) = Split(key);
        foreach (var rule in rules)
        {
            for (int i = 0; i < rule.Theirs.Length; i++)
                if (rule.Theirs[i] == pattern) return new ParameterTarget(Fill(rule.Ours, number), rule.Theirs.Length == 1 ? null : i,
                    rule.Transposed);
            if (rule.Theirs.Length == 1 && Rest(rule.Theirs[0], pattern) is { } rest && !rule.Transposed) return new ParameterTarget(
                Fill(rule.Ours + rest, number), null, false);
        }
        throw new ArgumentException($"No parameter of a CLIP is called \"{key}\" in {layout}.", nameof(key));
    }

    private static string? Rest(string prefix, string name) => name.Length > prefix.Length && name[prefix.Length] == '.'
        && name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;

    private static (string Pattern, string Number) Split(string name)
    {
        var match = Number().Match(name);
        return match.Success ? ($"{name[..match.Index]}.#.{name[(match.Index + match.Length)..]}", match.Groups[1].Value) : (name, "");
    }

    private static string Fill(string pattern, string number) => number.Length == 0 ? pattern
        : pattern.Replace("#", number, StringComparison.Ordinal);

    [GeneratedRegex(@"\.(\d+)\.")]
    private static partial Regex Number();
}
