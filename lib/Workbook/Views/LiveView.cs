namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A place in the output whose content is replaced while a cell runs: <c>var live = LiveView.Show(view); … live.Update(next);</c>. In
/// editors and in pages the picture changes in its place; in a console each state is written below the last.
/// </summary>
public sealed class LiveView
{
    private const string Engine = "Microsoft.DotNet.Interactive";
    private readonly Action<object?> _update;

    private LiveView(Action<object?> update) => _update = update;

    /// <summary>The function with which a lesson's program shows values; null in notebooks.</summary>
    internal static Func<object?, Action<object?>>? HostDisplay => AppContext.GetData("ClipNotebooks.Display") as Func<object?,
        Action<object?>>;

    /// <summary>Shows a view at once, before the cell ends.</summary>
    public static LiveView Show(IView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (HostDisplay is { } host) return new(host(view));
        if (Kernel(view) is { } update) return new(update);
        Console.WriteLine(view.ToText());
        return new(next => Console.WriteLine(((IView)next!).ToText()));
    }

    /// <summary>Replaces the view by another.</summary>
    public void Update(IView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        _update(view);
    }

    /// <summary>
    /// Calls <c>KernelInvocationContext.Current.Display(value)</c> and returns the <c>Update(value)</c> of its result, both by reflection,
    /// since the library has no reference to the notebook kernel. (The result of <c>value.Display()</c> updates under another id in the
    /// last kernel.)
    /// </summary>
    private static Action<object?>? Kernel(object value)
    {
        var engine = AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(assembly => assembly.GetName().Name == Engine);
        object? context = engine?.GetType($"{Engine}.KernelInvocationContext")?.GetProperty("Current")?.GetValue(null);
        return context is null ? null : Displayed(engine!.GetType($"{Engine}.KernelInvocationContextExtensions"), context, value);
    }

    /// <summary>Calls the extension method Display on a context, and returns the method Update of its result.</summary>
    internal static Action<object?>? Displayed(Type? extensions, object context, object value)
    {
        object? shown = extensions?.GetMethod("Display", [context.GetType(), typeof(object), typeof(string[])])
            ?.Invoke(null, [context, value, Array.Empty<string>()]);
        var update = shown?.GetType().GetMethod("Update", [typeof(object)]);
        return update is null ? null : next => update.Invoke(shown, [next]);
    }
}
