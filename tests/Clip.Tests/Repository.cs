using System.Runtime.CompilerServices;

namespace ClipNotebooks.Clip.Tests;

/// <summary>Where the tests' files lie: reference data in this project, the CLIP vocabulary beside the repository.</summary>
internal static class Repository
{
    internal static string Root { get; } = Find();

    internal static string Reference(params string[] parts) => Path.Combine([Root, "tests", "Clip.Tests", "Reference", .. parts]);

    /// <summary>The folder of CLIP's own vocabulary; the test is skipped, with the reason, where there is none.</summary>
    internal static string ClipVocabulary()
    {
        string folder = Environment.GetEnvironmentVariable("CLIP_VOCAB") ?? Path.Combine(Root, "..", "shared", "reference", "vocab");
        if (!File.Exists(Path.Combine(folder, "vocab.json")))
            Assert.Skip($"CLIP's vocabulary is not in {folder}: set CLIP_VOCAB to a folder with its vocab.json and merges.txt.");
        return folder;
    }

    private static string Find([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));
}
