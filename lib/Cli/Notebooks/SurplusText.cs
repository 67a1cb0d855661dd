using System.Text;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Takes what a cell prints beyond what is kept of it: a cell that prints without end does not fill the memory.</summary>
internal sealed class SurplusText(Action<int> counted) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => counted(1);

    public override void Write(char[] buffer, int index, int count) => counted(count);

    public override void Write(string? value) => counted(value?.Length ?? 0);
}
