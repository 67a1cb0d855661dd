namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>The float32 parameters of a tower, by this library's names, wherever they are.</summary>
internal interface ITowerWeights
{
    /// <summary>A parameter's values, row by row; a matrix's are there until the next matrix is read.</summary>
    /// <param name="name">Its name in the tower.</param>
    /// <param name="shape">Its shape.</param>
    ReadOnlySpan<float> Read(string name, params ReadOnlySpan<long> shape);

    /// <summary>A matrix, (O, I), that the tower stores as (I, O); it is there until the next matrix is read.</summary>
    /// <param name="name">Its name in the tower.</param>
    /// <param name="outputs">O.</param>
    /// <param name="inner">I.</param>
    ReadOnlySpan<float> ReadTransposed(string name, long outputs, long inner);
}
