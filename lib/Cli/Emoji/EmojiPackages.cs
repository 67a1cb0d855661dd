namespace ClipNotebooks.Cli.Emoji;

/// <summary>Where emoji and their names come from.</summary>
internal static class EmojiPackages
{
    /// <summary>The designers of emoji: the style's name, its package, and whether its pictures are trained on.</summary>
    internal static IReadOnlyList<(string Style, string Package, bool Trained)> Designers { get; } =
    [
        ("noto", "@iconify-json/noto", true),
        ("fluent", "@iconify-json/fluent-emoji-flat", true),
        ("twemoji", "@iconify-json/twemoji", true),
        ("openmoji", "@iconify-json/openmoji", false),
    ];

    internal const string Names = "cldr-annotations-full";

    /// <summary>The command that fetches the packages.</summary>
    internal const string Line = "npm pack @iconify-json/noto@1.2.9 @iconify-json/fluent-emoji-flat@1.2.6 @iconify-json/twemoji@1.2.5 " +
        "@iconify-json/openmoji@1.2.29 cldr-annotations-full@48.2.0 --pack-destination FOLDER";

    internal const string Cure = "npm fetches all five: " + Line;
}
