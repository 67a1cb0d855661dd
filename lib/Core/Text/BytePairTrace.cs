namespace ClipNotebooks.Core.Text;

/// <summary>How one piece of a caption became tokens.</summary>
/// <param name="Piece">The piece of the cleaned text.</param>
/// <param name="Steps">The symbols before the first merge, and after each.</param>
/// <param name="Ids">The ids of the last symbols.</param>
public sealed record BytePairTrace(string Piece, IReadOnlyList<BytePairStep> Steps, IReadOnlyList<int> Ids);

/// <summary>One merge.</summary>
/// <param name="Symbols">The symbols after it; bytes are shown by their stand-ins, <c>&lt;/w&gt;</c> ends a word.</param>
/// <param name="Rank">Its rank in merges.txt, from 0; null before the first merge.</param>
public sealed record BytePairStep(IReadOnlyList<string> Symbols, int? Rank);
