using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Clip.Tests.Inference;

public sealed class PromptTemplatesTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void The_projects_own_set_has_a_gap_in_every_sentence_and_no_sentence_twice()
    {
        Assert.True(PromptTemplates.Ensemble.Count >= 10);
        Assert.All(PromptTemplates.Ensemble, template =>
            Assert.Contains("a cat", PromptTemplates.Fill(template, "a cat"), StringComparison.Ordinal));
        Assert.Equal(PromptTemplates.Ensemble.Count, PromptTemplates.Ensemble.Distinct().Count());
    }

    [Fact]
    public void A_file_gives_its_lines_without_comments_and_empty_ones()
    {
        File.WriteAllText(_file, "# my own\n\n  a photo of a {}.  \r\n{} at night\n");
        Assert.Equal(["a photo of a {}.", "{} at night"], PromptTemplates.Load(_file));
    }

    [Fact]
    public void A_line_without_a_gap_is_refused_by_file_and_line()
    {
        File.WriteAllText(_file, "# my own\na photo of a {}.\na photo\n");
        var problem = Assert.Throws<InvalidDataException>(() => PromptTemplates.Load(_file));
        Assert.StartsWith($"{_file}, line 3: the template \"a photo\" has no {{}}", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_templates_or_a_missing_one_is_refused()
    {
        File.WriteAllText(_file, "# nothing yet\n");
        Assert.Contains("holds no template", Assert.Throws<InvalidDataException>(() => PromptTemplates.Load(_file)).Message,
            StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => PromptTemplates.Load(_file + ".missing"));
    }
}
