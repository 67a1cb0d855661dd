namespace ClipNotebooks.Workbook.Scenes;

/// <summary>Which compositions may appear: about a fifth of them are kept out of training, whatever the seed.</summary>
public enum SceneWorld
{
    /// <summary>Four fifths of the compositions, to train on.</summary>
    Train,

    /// <summary>The compositions that never appear in <see cref="Train"/>, to measure on.</summary>
    HeldOut,
}
