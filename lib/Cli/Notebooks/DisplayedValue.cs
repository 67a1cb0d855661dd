namespace ClipNotebooks.Cli.Notebooks;

/// <summary>A value on the page, which <see cref="Update"/> replaces.</summary>
public sealed class DisplayedValue
{
    private readonly LessonOutput _output;
    private readonly int _id;

    internal DisplayedValue(LessonOutput output, int id) => (_output, _id) = (output, id);

    /// <summary>Shows another value in the same place.</summary>
    /// <param name="value">What to show.</param>
    public void Update(object? value) => _output.Show(value, _id);
}
