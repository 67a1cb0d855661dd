using ClipNotebooks.Core.Images;

namespace ClipNotebooks.Onnx;

/// <summary>Puts what the image transform makes into the form that a graph takes.</summary>
internal static class OnnxImages
{
    /// <summary>
    /// Adds images to a graph's inputs: as (B, 3, R, R); or, if the transform cuts patches, as (B, N, 3 P²), with a mask of the places that
    /// have a patch, (B, N), and the rows and columns of each image's grid, (B, 2).
    /// </summary>
    /// <exception cref="ArgumentException">An image has no patches, or more than there are places.</exception>
    internal static void Add(Dictionary<string, (Array, long[])> inputs, IReadOnlyList<float[]> images, ClipImageTransform transform)
    {
        if (transform.Config.Patches is { } patches)
        {
            AddPatches(inputs, images, patches);
            return;
        }
        var joined = new float[images.Count * transform.Length];
        foreach (var (i, values) in images.Index()) values.CopyTo(joined, i * transform.Length);
        inputs[OnnxSession.Pixels] = (joined, [images.Count, .. transform.Shape]);
    }

    /// <summary>The shape of one image's pixels as a graph takes them: (3, R, R), or (N, 3 P²).</summary>
    internal static long[] Shape(ClipImageTransform transform) => transform.Config.Patches is { } patches
        ? [patches.Most, 3L * patches.Side * patches.Side] : [.. transform.Shape];

    /// <summary>Two test images with different values, in the form that the transform gives.</summary>
    internal static float[][] Samples(ClipImageTransform transform)
    {
        int length = transform.Length;
        float[] rising = [.. Enumerable.Range(0, length).Select(i => 2f * i / length - 1)];
        float[][] samples = [rising, [.. rising.Select(MathF.Abs)]];
        if (transform.Config.Patches is { } patches)
            foreach (float[] sample in samples) PatchCut.InOneRow(sample, patches.Side);
        return samples;
    }

    private static void AddPatches(Dictionary<string, (Array, long[])> inputs, IReadOnlyList<float[]> images, (int Side, int Most) patches)
    {
        var (B, N, numbers) = (images.Count, patches.Most, 3 * patches.Side * patches.Side);
        float[] pixels = new float[B * N * numbers];
        long[] isThere = new long[B * N], shapes = new long[2 * B];
        foreach (var (i, values) in images.Index())
        {
            var (rows, columns) = PatchCut.Apart(values, patches.Side, pixels.AsSpan(i * N * numbers, N * numbers));
            if (rows < 1 || columns < 1 || rows > N || columns > N / rows)
                throw new ArgumentException($"Image {i} is {rows} × {columns} patches; 1 to {N} in all are possible.", nameof(images));
            isThere.AsSpan(i * N, (int)(rows * columns)).Fill(1);
            (shapes[2 * i], shapes[2 * i + 1]) = (rows, columns);
        }
        inputs[OnnxSession.Pixels] = (pixels, [B, N, numbers]);
        inputs[OnnxSession.Patches] = (isThere, [B, N]);
        inputs[OnnxSession.Grids] = (shapes, [B, 2]);
    }
}
