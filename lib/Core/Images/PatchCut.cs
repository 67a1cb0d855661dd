namespace ClipNotebooks.Core.Images;

/// <summary>
/// Cuts an image of any proportions into patches, row by row (SigLIP 2 NaFlex; transformers' <c>Siglip2ImageProcessor</c>).
/// </summary>
internal static class PatchCut
{
    /// <summary>The row and column of an unused patch.</summary>
    private const float Nowhere = -1;

    /// <summary>How closely the best scale is sought, and between which bounds.</summary>
    private const double Close = 1e-5, Least = Close / 10, Largest = 100;

    /// <summary>How many numbers a patch has: its pixels' by row, column and colour, then its own row and column.</summary>
    internal static long Numbers(long P) => 3 * P * P + 2;

    /// <summary>
    /// The patch grid of an image: the largest that keeps its proportions, rounded up to whole patches, within the allowed number of
    /// patches. The scale is found by bisection.
    /// </summary>
    internal static (int Rows, int Columns) Grid(int width, int height, (int Side, int Most) patches)
    {
        double low = Least, high = Largest;
        while (high - low >= Close)
        {
            double scale = (low + high) / 2;
            if (Along(height, scale) * Along(width, scale) <= patches.Most) low = scale;
            else high = scale;
        }
        return ((int)Along(height, low), (int)Along(width, low));

        double Along(int pixels, double scale) => Math.Max(1, Math.Ceiling(pixels * scale / patches.Side));
    }

    /// <summary>Writes each patch as a row of normalised numbers. Unused rows follow: 0 as pixels, −1 as row and column.</summary>
    /// <param name="samples">Four bytes per pixel, of an image of whole patches.</param>
    /// <param name="grid">The image's rows and columns of patches.</param>
    /// <param name="P">A patch's side in pixels.</param>
    /// <param name="tables">For each colour, the normalised value of each of the 256 samples.</param>
    /// <param name="destination">Most · (3 P² + 2) numbers.</param>
    internal static void Fill(ReadOnlySpan<byte> samples, (int Rows, int Columns) grid, int P, float[][] tables, Span<float> destination)
    {
        int place = 0, width = grid.Columns * P;
        for (int row = 0; row < grid.Rows; row++)
        {
            for (int column = 0; column < grid.Columns; column++)
            {
                for (int y = row * P; y < (row + 1) * P; y++)
                    for (int x = column * P; x < (column + 1) * P; x++)
                        for (int channel = 0; channel < 3; channel++)
                            destination[place++] = tables[channel][samples[4 * (y * width + x) + channel]];
                (destination[place++], destination[place++]) = (row, column);
            }
        }
        int numbers = (int)Numbers(P);
        for (destination[place..].Clear(); place < destination.Length; place += numbers)
            destination.Slice(place + numbers - 2, 2).Fill(Nowhere);
    }

    /// <summary>Separates what <see cref="Fill"/> wrote: copies the pixels, and returns the size of the grid.</summary>
    /// <param name="values">N · (3 P² + 2) numbers.</param>
    /// <param name="P">A patch's side in pixels.</param>
    /// <param name="pixels">N · 3 P² numbers.</param>
    internal static (long Rows, long Columns) Apart(ReadOnlySpan<float> values, int P, Span<float> pixels)
    {
        int numbers = (int)Numbers(P), own = numbers - 2;
        var (row, column) = (Nowhere, Nowhere);
        for (int place = 0; place < values.Length / numbers; place++)
        {
            var patch = values.Slice(place * numbers, numbers);
            patch[..own].CopyTo(pixels[(place * own)..]);
            (row, column) = (Math.Max(row, patch[own]), Math.Max(column, patch[own + 1]));
        }
        return ((long)(row + 1), (long)(column + 1));
    }

    /// <summary>Places an image's patches side by side, in one row of the grid.</summary>
    /// <param name="values">N · (3 P² + 2) numbers.</param>
    /// <param name="P">A patch's side in pixels.</param>
    internal static void InOneRow(Span<float> values, int P)
    {
        int numbers = (int)Numbers(P);
        for (int place = 0; place < values.Length / numbers; place++)
            (values[(place + 1) * numbers - 2], values[(place + 1) * numbers - 1]) = (0, place);
    }
}
