using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Scenes;

namespace ClipNotebooks.Workbook.Tests.Scenes;

public sealed class PaperNoteTests
{
    private const int Side = 64;

    /// <summary>All of one colour that is neither paper nor ink.</summary>
    private static RasterImage Blue { get; } =
        RasterImage.FromRgb(Side, Side, [.. Enumerable.Range(0, Side * Side).SelectMany(_ => new byte[] { 0, 0, 200 })]);

    [Theory, InlineData("cat"), InlineData("sunset over the ocean")]
    public void Words_leave_ink_on_white_paper_and_the_rest_of_the_picture_as_it_was(string words)
    {
        using var note = PaperNote.On(Blue, words);
        using var blank = PaperNote.On(Blue, words, blank: true);
        Assert.True(Count(note, (r, g, b) => r < 100 && g < 100 && b < 100) > 10);
        Assert.True(Count(blank, (r, g, b) => (r, g, b) == (255, 255, 255)) > 200);
        Assert.Equal(0, Count(blank, (r, g, b) => r < 100 && g < 100 && b < 100));
        Assert.All([note, blank], picture => Assert.Equal(Blue.ToRgbBytes()[..(3 * Side * (Side / 2))],
            picture.ToRgbBytes()[..(3 * Side * (Side / 2))]));
        Assert.Equal(Untouched(note), Untouched(blank));
        Assert.Equal(Side * Side, Count(Blue, (r, g, b) => (r, g, b) == (0, 0, 200)));
    }

    [Fact]
    public void Long_words_are_written_smaller_and_never_leave_the_picture()
    {
        using var note = PaperNote.On(Blue, new string('m', 60));
        byte[] rgb = note.ToRgbBytes();
        Assert.All(Enumerable.Range(0, Side), row => Assert.Equal(200, rgb[3 * row * Side + 2]));
    }

    [Fact]
    public void A_note_without_words_is_refused() => Assert.Throws<ArgumentException>(() => PaperNote.On(Blue, " "));

    private static int Untouched(RasterImage picture) => Count(picture, (r, g, b) => (r, g, b) == (0, 0, 200));

    private static int Count(RasterImage picture, Func<byte, byte, byte, bool> which) =>
        picture.ToRgbBytes().Chunk(3).Count(pixel => which(pixel[0], pixel[1], pixel[2]));
}
