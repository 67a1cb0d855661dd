using System.Reflection;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// A place in the output whose content is replaced while a cell runs: <c>var live = LiveView.Show(view); … live.Update(next);</c>. In editors and in pages the picture changes in its place;
/// in a console each state is written below the last.
/// </summary>
public sealed class LiveView
{
    private const string Engine = "Microsoft.DotNet.Interactive";
    private readonly Action<object?> _update;

    private LiveView(Action<object?> update) => _update = update;

    /// <summary>What a lesson's program offers to show values with; null in notebooks.</summary>
    internal static Func<object?, Action<object?>>? HostDisplay => AppContext.GetData("ClipNotebooks.Display") as Func<object?, Action<object?>>;

    /// <summary>Shows a view at once, before the cell ends.</summary>
    public static LiveView Show(IView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        if (HostDisplay is { } host) return new(host(view));
        if (Kernel(view) is { } update) return new(update);
        Console.WriteLine(view.ToText());
        return new(next => Console.WriteLine(((IView)next!).ToText()));
    }

    /// <summary>Puts another view in the place of the last.</summary>
    public void Update(IView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        _update(view);
    }

    /// <summary>
    /// <c>KernelInvocationContext.Current.Display(value)</c> and the <c>Update(value)</c> of what it returns, by name: the library has no reference to the notebook kernel. (The extension
    /// method <c>Display</c> returns a value whose update carries another id in the last kernel, so it is not used.)
    /// </summary>
    private static Action<object?>? Kernel(object value)
    {
        var type = AppDomain.CurrentDomain.GetAssemblies().Where(assembly => assembly.GetName().Name == Engine)
            .Select(assembly => assembly.GetType($"{Engine}.KernelInvocationContext")).FirstOrDefault(found => found is not null);
        object? context = type?.GetProperty("Current", BindingFlags.Public | BindingFlags.Static)?.GetValue(null);
        return context is null ? null : Displayed(context, value);
    }

    /// <summary>Calls Display on a context, filling in optional parameters, and gives its Update.</summary>
    internal static Action<object?>? Displayed(object context, object value)
    {
        var display = context.GetType().GetMethods().FirstOrDefault(method => method.Name == "Display" && method.GetParameters() is [{ ParameterType: var first }, ..] && first == typeof(object));
        object? shown = display?.Invoke(context, [value, .. display.GetParameters().Skip(1).Select(Absent)]);
        var update = shown?.GetType().GetMethod("Update", [typeof(object)]);
        return update is null ? null : next => update.Invoke(shown, [next]);

        static object? Absent(ParameterInfo parameter) =>
            parameter.HasDefaultValue ? parameter.DefaultValue : parameter.ParameterType.IsArray ? Array.CreateInstance(parameter.ParameterType.GetElementType()!, 0) : null;
    }
}
