namespace ClipNotebooks.Clip.FineTuning;

/// <summary>How low-rank adapters are made (Hu et al. 2022, "LoRA"; the names are those of peft's <c>LoraConfig</c>).</summary>
public sealed record LowRankOptions
{
    /// <summary>r, the inner dimension of each addition B · A.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>Alpha: each addition is multiplied by alpha / r.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>Which matrices get an adapter.</summary>
    public LowRankTargets Targets { get; init; } = LowRankTargets.Query | LowRankTargets.Value;

    /// <summary>Whether matrices of the image tower get adapters.</summary>
    public bool ImageTower { get; init; } = true;

    /// <summary>Whether matrices of the text tower get adapters.</summary>
    public bool TextTower { get; init; } = true;

    /// <summary>Throws for options that make no adapter.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    internal void Validate()
    {
        if (Rank < 1) throw new ArgumentException($"LowRankOptions.Rank is {Rank}; it must be at least 1.");
        if (!(double.IsFinite(Alpha) && Alpha > 0)) throw new ArgumentException($"LowRankOptions.Alpha is {Alpha}; it must be above 0.");
        if (Targets == LowRankTargets.None || !(ImageTower || TextTower))
            throw new ArgumentException("LowRankOptions names no matrix: set Targets, and ImageTower or TextTower.");
    }
}
