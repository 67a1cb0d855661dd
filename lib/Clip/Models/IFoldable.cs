namespace ClipNotebooks.Clip.Models;

/// <summary>
/// A part of a tower whose branches and batch normalisations are one convolution once the weights no longer change (MobileOne, Vasu et al.
/// 2022; RepVGG, Ding et al. 2021).
/// </summary>
internal interface IFoldable
{
    /// <summary>Puts them together: what is computed stays the same but for rounding.</summary>
    void Fold();
}
