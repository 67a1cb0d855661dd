using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// Shortens the help of System.CommandLine. In clipbook's own help each command has one line; an argument is shown by its name, not by
/// every lesson that it could be; and the program is called clipbook, whatever its file is called.
/// </summary>
internal sealed class BriefHelp(HelpAction whole) : SynchronousCommandLineAction
{
    private const int Widest = 120;
    private static readonly string[] Ends = [". ", ": ", " ("];

    public override bool ClearsParseErrors => whole.ClearsParseErrors;

    public override int Invoke(ParseResult parseResult)
    {
        foreach (var command in parseResult.CommandResult.Command.Subcommands) command.Description = Summary(command.Description ?? "");
        foreach (var argument in parseResult.RootCommandResult.Command.Subcommands.SelectMany(
            command => command.Arguments)) argument.HelpName ??= argument.Name;
        if (Console.IsOutputRedirected) whole.MaxWidth = Widest;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        using StringWriter text = new();
        parseResult.InvocationConfiguration.Output = text;
        int code = whole.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;
        output.Write(text.ToString().Replace(RootCommand.ExecutableName, "clipbook", StringComparison.Ordinal));
        return code;
    }

    /// <summary>The first sentence, without what it says in brackets or after a colon.</summary>
    private static string Summary(string description)
    {
        string paragraph = description.ReplaceLineEndings("\n").Split("\n\n")[0].Replace('\n', ' ');
        return Ends.Aggregate(paragraph, (text, end) => text.Split(end)[0]).TrimEnd('.') + ".";
    }
}
