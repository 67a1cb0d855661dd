using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Inference;

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

    /// <summary>
    /// The project's own set for averaging, after the paper's observation that captions differ by medium, size, distance, light and
    /// quality.
    /// </summary>
    public static IReadOnlyList<string> Ensemble { get; } =
    [
        "a photo of a {}.",
        "a photo of the {}.",
        "a photo of one {}.",
        "a picture of a {}.",
        "a picture with a {} in the middle.",
        "a drawing of a {}.",
        "a painting of a {}.",
        "a sketch of a {} in pencil.",
        "a toy in the shape of a {}.",
        "a small {}.",
        "a big {}.",
        "a {} seen from near by.",
        "a {} seen from far away.",
        "a {} in daylight.",
        "a {} at night.",
        "a sharp photo of a {}.",
        "a blurred photo of a {}.",
        "a photo that shows part of a {}.",
        "a black and white photo of a {}.",
        "a colourful photo of a {}.",
    ];

    /// <summary>Reads templates from a text file, one per line; empty lines and lines that begin with # are passed over.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// A line has no gap, there is no template, or the file is not UTF-8; the message names file and line.
    /// </exception>
    public static IReadOnlyList<string> Load(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file of templates at {path}.", path);
        var templates = new List<string>();
        foreach (var (index, line) in TextFile.ReadLines(path).Select(line => line.Trim()).Index())
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (!line.Contains(Gap, StringComparison.Ordinal))
                throw new InvalidDataException($"{path}, line {index + 1}: the template \"{line}\" has no {Gap} for the class name.");
            templates.Add(line);
        }
        return templates.Count > 0 ? templates : throw new InvalidDataException(
            $"{path} holds no template: one a line is read, such as \"{Photo[0]}\".");
    }

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
