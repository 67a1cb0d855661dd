using System.Text.RegularExpressions;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Workbook.Views;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed partial class PictureGridTests
{
    private static readonly RasterImage Black = RasterImage.FromRgb(1, 1, [0, 0, 0]), White = RasterImage.FromRgb(1, 1, [255, 255, 255]);

    [Fact]
    public void Patches_stand_in_the_order_of_reading_and_put_together_are_the_image()
    {
        byte[] pixels = [.. Enumerable.Range(0, 3 * 6 * 4).Select(i => (byte)(3 * i))];
        SKBitmap[] patches = Shown(PictureGrid.Patches(RasterImage.FromRgb(6, 4, pixels), 2, "Title"));
        Assert.Equal(6, patches.Length);
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 6; x++)
            {
                var color = patches[(y / 2 * 3) + (x / 2)].GetPixel(x % 2, y % 2);
                Assert.Equal(pixels.Skip(3 * ((6 * y) + x)).Take(3), new[] { color.Red, color.Green, color.Blue });
            }
    }

    [Fact]
    public void What_does_not_fill_a_patch_is_left_out() =>
        Assert.Single(Shown(PictureGrid.Patches(RasterImage.FromRgb(3, 3, new byte[27]), 2, "Title")));

    [Fact]
    public void An_image_smaller_than_a_patch_is_refused_with_both_sizes() =>
        Assert.Contains("1 × 1 pixels has no patch of 2 × 2",
            Assert.Throws<ArgumentException>(() => PictureGrid.Patches(Black, 2, "Title")).Message, StringComparison.Ordinal);

    [Fact]
    public void Maps_share_one_scale_and_what_is_not_finite_is_gray()
    {
        SKBitmap[] maps = Shown(PictureGrid.Maps(tensor(new[] { 0f, 1, 0, float.NaN }).reshape(2, 1, 2), ["a", "b"], 2, "Title"));
        Assert.Equal(maps[0].GetPixel(0, 0), maps[1].GetPixel(0, 0));
        Assert.NotEqual(maps[0].GetPixel(0, 0), maps[0].GetPixel(1, 0));
        Assert.Equal(new SKColor(0x88, 0x88, 0x88), maps[1].GetPixel(1, 0));
    }

    [Fact]
    public void Maps_of_both_signs_have_white_at_zero()
    {
        var map = Shown(PictureGrid.Maps(tensor(new[] { -1f, 0, 2 }).reshape(1, 1, 3), [], 1, "Title")).Single();
        Assert.Equal(new SKColor(0xf7, 0xf7, 0xf7), map.GetPixel(1, 0));
        Assert.True(map.GetPixel(0, 0).Blue > map.GetPixel(0, 0).Red && map.GetPixel(2, 0).Red > map.GetPixel(2, 0).Blue);
    }

    [Fact]
    public void A_filter_is_gray_at_zero_and_bright_at_its_own_largest_weight()
    {
        var filters = zeros(2, 3, 1, 2);
        filters[0, 0, 0, 1] = tensor(0.25f);
        filters[1, 1, 0, 0] = tensor(-8f);
        SKBitmap[] shown = Shown(PictureGrid.Filters(filters, [], 2, "Title"));
        Assert.Equal(new SKColor(128, 128, 128), shown[0].GetPixel(0, 0));
        Assert.Equal(new SKColor(255, 128, 128), shown[0].GetPixel(1, 0));
        Assert.Equal(new SKColor(128, 0, 128), shown[1].GetPixel(0, 0));
    }

    [Fact]
    public void Images_from_a_tensor_have_its_levels_cut_off_at_0_and_1() =>
        Assert.Equal(new SKColor(255, 0, 51), Shown(PictureGrid.Images(
            tensor(new[] { 1.5f, -1, 0.2f }).reshape(1, 3, 1, 1), [], 1, "Title")).Single().GetPixel(0, 0));

    [Fact]
    public void An_overlay_colours_each_part_of_the_image_by_its_cell_of_the_map()
    {
        var image = RasterImage.FromRgb(4, 2, [.. Enumerable.Repeat((byte)100, 24)]);
        var overlay = Shown(PictureGrid.Overlays([image], tensor(new[] { 0f, 1 }).reshape(1, 1, 2), [], 1, "Title")).Single();
        Assert.Equal((4, 2), (overlay.Width, overlay.Height));
        Assert.Equal(overlay.GetPixel(0, 0), overlay.GetPixel(1, 1));
        Assert.Equal(new SKColor(100, 100, 100), overlay.GetPixel(1, 0));                    // bare where the map is smallest
        Assert.True(overlay.GetPixel(2, 0).Green > overlay.GetPixel(2, 0).Blue);             // yellow where it is largest
    }

    [Fact]
    public void A_map_without_differences_is_shown() =>
        Assert.Single(Shown(PictureGrid.Overlays([White], ones(1, 2, 2), ["even"], 1, "Title")));

    [Fact]
    public void Text_shows_shades_row_by_row_with_captions_below() => Assert.Equal(
        ["Title (from 0.00 to 1.00)", " █ █ ", "█  × ", "a | b", "▒▒", "▒▒", "c"],
        PictureGrid.Maps(tensor(new[] { 0f, 1, 1, 0, 1, 0, float.NaN, 0, 0.5f, 0.5f, 0.5f, 0.5f }).reshape(3, 2, 2), ["a", "b", "c"], 2,
            "Title").ToText().Split(Environment.NewLine));

    [Fact]
    public void Captioned_pictures_have_alt_text_and_a_grid_without_captions_is_one_image()
    {
        Assert.Contains("alt=\"block 1, head 2\"", new PictureGrid([Black, White], ["block 1, head 1", "block 1, head 2"], 2, "Title")
            .ToHtml(), StringComparison.Ordinal);
        string bare = new PictureGrid([Black, White], [], 2, "Title").ToHtml();
        Assert.Contains("role=\"img\" aria-label=\"Title: 2 pictures, 2 in a row.\"", bare, StringComparison.Ordinal);
        Assert.DoesNotContain("alt=\"\" aria", bare, StringComparison.Ordinal);
    }

    [Fact]
    public void Captions_of_another_number_are_refused_with_both_counts() =>
        Assert.Contains("2 pictures and 1 captions",
            Assert.Throws<ArgumentException>(() => new PictureGrid([Black, White], ["one"], 2, "Title")).Message, StringComparison.Ordinal);

    [Fact]
    public void Images_of_another_number_than_the_maps_are_refused() =>
        Assert.Throws<ArgumentException>(() => PictureGrid.Overlays([Black, White], zeros(3, 2, 2), [], 3, "Title"));

    [Fact]
    public void Another_shape_is_refused_with_the_shape()
    {
        Assert.Contains("(2, 2)", Assert.Throws<ArgumentException>(() => PictureGrid.Maps(zeros(2, 2), [], 1, "Title")).Message,
            StringComparison.Ordinal);
        Assert.Contains("(1, 4, 2, 2)", Assert.Throws<ArgumentException>(
            () => PictureGrid.Filters(zeros(1, 4, 2, 2), [], 1, "Title")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PictureGrid.Maps(zeros(0, 2, 2), [], 1, "Title"));
        Assert.Throws<ArgumentException>(() => new PictureGrid([], [], 1, "Title"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PictureGrid([Black], [], 0, "Title"));
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using var maps = rand(4, 3, 2, 2);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        PictureGrid.Filters(maps, [], 2, "Title").ToHtml();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    /// <summary>The pictures of a grid as a page decodes them.</summary>
    private static SKBitmap[] Shown(PictureGrid grid) =>
        [.. Source().Matches(grid.ToHtml()).Select(m => SKBitmap.Decode(Convert.FromBase64String(m.Groups[1].Value)))];

    [GeneratedRegex("data:image/png;base64,([^\"]+)")]
    private static partial Regex Source();
}
