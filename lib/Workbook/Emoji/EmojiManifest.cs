namespace ClipNotebooks.Workbook.Emoji;

/// <summary>What a folder of emoji data holds and what it was made from.</summary>
/// <param name="Format">1.</param>
/// <param name="Pixels">The side of each picture.</param>
/// <param name="TrainingStyles">The houses to train on.</param>
/// <param name="HeldOutStyle">The house that is never trained on.</param>
/// <param name="HeldOutKeywords">How many keywords of how many are kept for measuring, in words.</param>
/// <param name="Concepts">How many there are.</param>
/// <param name="Pictures">How many, of all styles.</param>
/// <param name="Left">How many of the names' entries were left out, by reason.</param>
/// <param name="Sources">What everything was made from.</param>
public sealed record EmojiManifest(int Format, int Pixels, IReadOnlyList<string> TrainingStyles, string HeldOutStyle,
    string HeldOutKeywords, int Concepts, int Pictures, IReadOnlyDictionary<string, int> Left, IReadOnlyList<EmojiSource> Sources);
