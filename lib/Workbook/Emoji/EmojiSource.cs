namespace ClipNotebooks.Workbook.Emoji;

/// <summary>A package that the data were made from.</summary>
/// <param name="Package">Its name on npm.</param>
/// <param name="Version">Its version.</param>
/// <param name="Licence">Its licence, as the package states it.</param>
/// <param name="Use">What it was read for: a style to train on, the style held out, or names.</param>
/// <param name="Sha256">The SHA-256 of each file that was read, by the file's name.</param>
public sealed record EmojiSource(string Package, string Version, string Licence, string Use, IReadOnlyDictionary<string, string> Sha256);
