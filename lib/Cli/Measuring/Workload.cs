namespace ClipNotebooks.Cli.Measuring;

/// <summary>What of the machine bounds a piece of work.</summary>
internal enum Limit
{
    /// <summary>Matrix products of float32, in operations.</summary>
    Float32Products,

    /// <summary>Matrix products of bfloat16, in operations.</summary>
    BFloat16Products,

    /// <summary>Reading memory, in bytes.</summary>
    Memory,

    /// <summary>Nothing that is measured here.</summary>
    None,
}

/// <summary>A piece of work whose time is measured.</summary>
/// <param name="Name">What is done; works of one name do the same in different forms, the plain one first.</param>
/// <param name="Form">How.</param>
/// <param name="Items">How many <paramref name="Unit"/>s one run does.</param>
/// <param name="Unit">Of what.</param>
/// <param name="Limit">What bounds it.</param>
/// <param name="Amount">Operations or bytes of a run, by <paramref name="Limit"/>.</param>
/// <param name="Prepare">Makes what a run needs, leaves it to the list to be freed, and gives the run.</param>
internal sealed record Workload(string Name, string Form, double Items, string Unit, Limit Limit, double Amount,
    Func<ICollection<IDisposable>, Action> Prepare)
{
    /// <summary>The name of a work that is shown with this one, to compare it with.</summary>
    internal string? Beside { get; init; }

    public override string ToString() => Form.Length == 0 ? Name : $"{Name}: {Form}";
}
