using System.Text;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Hands what a cell prints to its output.</summary>
internal sealed class ConsoleCapture(LessonOutput output) : TextWriter
{
    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => output.Print([value]);

    public override void Write(char[] buffer, int index, int count) => output.Print(buffer.AsSpan(index, count));

    public override void Write(string? value) => output.Print(value);

    public override void Flush() => output.Flush();
}
