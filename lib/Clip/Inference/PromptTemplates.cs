namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// Sentences with a gap, <c>{}</c>, that turn a class name into a caption. The paper (section 3.1.4) gains 1.3 points on ImageNet from
/// "a photo of a {}." alone, and 3.5 more from averaging 80 of them.
/// </summary>
public static class PromptTemplates
{
    /// <summary>The gap for the class name.</summary>
    public const string Gap = "{}";

    /// <summary>The paper's default.</summary>
    public static IReadOnlyList<string> Photo { get; } = ["a photo of a {}."];

    /// <summary>The name alone.</summary>
    public static IReadOnlyList<string> Bare { get; } = [Gap];

    /// <summary>Fills a template's gap.</summary>
    /// <exception cref="ArgumentException">The template has no gap.</exception>
    public static string Fill(string template, string className)
    {
        ArgumentNullException.ThrowIfNull(template);
        if (!template.Contains(Gap, StringComparison.Ordinal))
            throw new ArgumentException($"The template \"{template}\" has no {Gap} for the class name.", nameof(template));
        return template.Replace(Gap, className, StringComparison.Ordinal);
    }
}
