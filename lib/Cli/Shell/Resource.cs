namespace ClipNotebooks.Cli.Shell;

/// <summary>Files that are embedded in the program.</summary>
internal static class Resource
{
    internal static string Text(string name)
    {
        using StreamReader reader = new(typeof(Resource).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
