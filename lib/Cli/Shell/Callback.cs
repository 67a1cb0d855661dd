namespace ClipNotebooks.Cli.Shell;

/// <summary>Calls at once, on the thread that reports: <see cref="Progress{T}"/> would call later, on another.</summary>
internal sealed class Callback<T>(Action<T> action) : IProgress<T>
{
    public void Report(T value) => action(value);
}
