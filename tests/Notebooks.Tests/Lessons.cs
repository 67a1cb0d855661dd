using System.Runtime.CompilerServices;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>The lessons of the repository.</summary>
internal static class Lessons
{
    internal static string Folder { get; } = Find();

    /// <summary>File names, one a test.</summary>
    public static TheoryData<string> Names { get; } = [.. Paths.Select(path => Path.GetFileName(path))];

    internal static string[] Paths => Directory.Exists(Folder) ? [.. Directory.GetFiles(Folder, "*.dib").Order(StringComparer.Ordinal)] : [];

    private static string Find([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "notebooks"));
}
