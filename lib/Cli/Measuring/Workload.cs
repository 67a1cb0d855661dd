namespace ClipNotebooks.Cli.Measuring;

/// <summary>Which limit of the machine bounds a piece of work.</summary>
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
/// <param name="Name">What is done. Workloads with the same name do the same in different forms, the plain one first.</param>
/// <param name="Form">How it is done.</param>
/// <param name="Items">How many <paramref name="Unit"/>s one run does.</param>
/// <param name="Unit">What is counted, such as "images".</param>
/// <param name="Limit">What bounds it.</param>
/// <param name="Amount">Operations or bytes of one run, depending on <paramref name="Limit"/>.</param>
/// <param name="Prepare">Makes what a run needs, adds it to the list of what is to be disposed, and returns the run.</param>
internal sealed record Workload(string Name, string Form, double Items, string Unit, Limit Limit, double Amount,
    Func<ICollection<IDisposable>, Action> Prepare)
{
    /// <summary>The name of a workload that is shown with this one for comparison.</summary>
    internal string? Beside { get; init; }

    public override string ToString() => Form.Length == 0 ? Name : $"{Name}: {Form}";
}
