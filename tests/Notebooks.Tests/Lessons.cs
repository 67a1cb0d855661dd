using System.Runtime.CompilerServices;
using ClipNotebooks.Cli.Notebooks;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>The lessons of the repository, in every language.</summary>
internal static class Lessons
{
    internal static string Folder { get; } = Find();

    /// <summary>Files below the folder, one a test: 00-start-here.dib, ko/00-start-here.dib.</summary>
    public static TheoryData<string> Names { get; } = [.. Paths.Select(NameOf)];

    internal static string[] Paths => [.. LessonRunner.All(Folder)];

    internal static string NameOf(string path) => Path.GetRelativePath(Folder, path).Replace('\\', '/');

    private static string Find([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "notebooks"));
}
