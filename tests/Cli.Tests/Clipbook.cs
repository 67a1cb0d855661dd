namespace ClipNotebooks.Cli.Tests;

/// <summary>clipbook in this process, and what it wrote.</summary>
internal static class Clipbook
{
    internal static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (output, error, main) = (new StringWriter(), new StringWriter(), new StringWriter());
        var (console, errors) = (Console.Out, Console.Error);
        try
        {
            Console.SetOut(output);
            Console.SetError(error);
            int code = await Program.RunAsync(arguments, main);
            return (code, output.ToString(), error.ToString() + main);
        }
        finally
        {
            Console.SetOut(console);
            Console.SetError(errors);
        }
    }
}
