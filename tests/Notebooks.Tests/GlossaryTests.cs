using System.Text.RegularExpressions;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Notebooks.Pages;

namespace ClipNotebooks.Notebooks.Tests;

/// <summary>The Korean texts, of lessons and of the libraries, have one word for a thing: the glossary's.</summary>
public sealed partial class GlossaryTests
{
    private static readonly Glossary Glossary = Glossary.Read();

    /// <summary>Every variant, compiled once: a static method's cache holds fewer patterns than there are.</summary>
    private static readonly (Regex Variant, string Korean)[] Wrong =
        [.. from term in Glossary.Terms from variant in term.Not select (new Regex(variant), term.Korean)];

    /// <summary>The Korean lessons, and the libraries' files in which there is Korean.</summary>
    public static TheoryData<string> Files
    {
        get
        {
            string root = Path.GetDirectoryName(Lessons.Folder)!;
            var sources = new[] { "Workbook", "Cli" }
                .SelectMany(library => Directory.GetFiles(Path.Combine(root, "lib", library), "*.*", SearchOption.AllDirectories))
                .Where(file => Path.GetExtension(file) is ".cs" or ".js")
                .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(folder => folder is "obj" or "bin"))
                .Where(file => Hangul().IsMatch(File.ReadAllText(file)));
            var lessons = Lessons.Paths.Where(path => Edition.Of(path) == Edition.Korean);
            return [.. lessons.Concat(sources).Select(path => Path.GetRelativePath(root, path).Replace('\\', '/'))];
        }
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Files))]
    public void A_Korean_text_uses_the_glossary_s_words(string file)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Path.GetDirectoryName(Lessons.Folder)!, file));
        string[] wrong = [.. from line in lines.Index()
                             from term in Wrong
                             from Match found in term.Variant.Matches(line.Item)
                             select $"{file}({line.Index + 1}): \"{found.Value}\", here \"{term.Korean}\": {line.Item.Trim()}"];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void The_glossary_keeps_its_own_rule()
    {
        string[] variants = [.. Glossary.Terms.SelectMany(term => term.Not)];
        foreach (Glossary.Term term in Glossary.Terms)
            Assert.DoesNotContain(variants, variant => Regex.IsMatch(term.Korean + " " + term.MeansInKorean, variant));
        Assert.Distinct(Glossary.Terms.Select(term => term.English));
        Assert.Distinct(Glossary.Terms.Select(term => term.Korean));
        Assert.Distinct(Glossary.Symbols.Select(sign => sign.Symbol));
    }

    [GeneratedRegex(@"\p{IsHangulSyllables}")]
    private static partial Regex Hangul();
}
