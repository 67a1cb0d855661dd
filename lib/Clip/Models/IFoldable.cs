namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A part of a tower whose branches and batch normalisations can become one convolution once its weights no longer change (MobileOne, Vasu
/// et al. 2022; RepVGG, Ding et al. 2021).
/// </summary>
internal interface IFoldable
{
    /// <summary>Folds them into one convolution; the outputs stay the same except for rounding.</summary>
    void Fold();
}
