namespace ClipNotebooks.Workbook.Emoji;

/// <summary>What a folder of emoji data holds and what it was made from.</summary>
/// <param name="Format">The version of the format: 1.</param>
/// <param name="Pixels">The side of each picture in pixels.</param>
/// <param name="TrainingStyles">The designers of emoji to train on.</param>
/// <param name="HeldOutStyle">The designer that is never trained on.</param>
/// <param name="HeldOutKeywords">Which share of the keywords is kept for measuring, in words.</param>
/// <param name="Concepts">The number of concepts.</param>
/// <param name="Pictures">The number of pictures of all styles together.</param>
/// <param name="Left">How many of CLDR's entries were left out, by reason.</param>
/// <param name="Sources">What everything was made from.</param>
public sealed record EmojiManifest(int Format, int Pixels, IReadOnlyList<string> TrainingStyles, string HeldOutStyle,
    string HeldOutKeywords, int Concepts, int Pictures, IReadOnlyDictionary<string, int> Left, IReadOnlyList<EmojiSource> Sources);
