using System.Text;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>
/// Counts and drops what a cell prints beyond the amount that is kept, so that endless printing does not fill the memory.
/// </summary>
internal sealed class SurplusText(Action<int> counted) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => counted(1);

    public override void Write(char[] buffer, int index, int count) => counted(count);

    public override void Write(string? value) => counted(value?.Length ?? 0);
}
