using System.CommandLine;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook completion`: the script by which a shell completes clipbook's commands, options and lessons.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts =
        new() { ["bash"] = "clipbook.bash", ["zsh"] = "clipbook.zsh", ["fish"] = "clipbook.fish", ["pwsh"] = "clipbook.ps1" };

    internal static Command Create()
    {
        Argument<string> shell = new("shell") { Description = $"{string.Join(", ", Scripts.Keys)}." };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        Command command = new("completion", $"""
            Prints the script by which a shell completes commands, options and lessons with the Tab key; file names where there is nothing
            else, options after a hyphen. It works for a program, link or function named clipbook.

            Examples:
              eval "$(clipbook completion bash)"                             in ~/.bashrc
              eval "$(clipbook completion zsh)"                              in ~/.zshrc, after compinit
              clipbook completion fish > ~/.config/fish/completions/clipbook.fish
              clipbook completion pwsh | Out-String | Invoke-Expression      in $PROFILE

            {ExitCode.Help}
            """)
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            Console.Write(Resource.Text(Scripts[parsed.GetValue(shell)!]));
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>The short names of the lessons, such as 04 and ko/04.</summary>
    internal static IEnumerable<string> LessonNames() => RepositoryRoot.TryFind() is not { } root ? []
        : LessonRunner.All(Path.Combine(root, "notebooks"))
            .Select(path => (Edition: Edition.Of(path), Number: $"{LessonRunner.NumberOf(path):00}"))
            .Select(lesson => lesson.Edition.IsEnglish ? lesson.Number : $"{lesson.Edition.Language}/{lesson.Number}");

    /// <summary>
    /// Prepares a command and its subcommands for completion. A switch takes no value, so that true and false are not offered after it, and
    /// aliases such as /h are removed, since they would get in the way of paths that begin like them.
    /// </summary>
    internal static void Fit(Command command)
    {
        foreach (var option in command.Options)
        {
            if (option.ValueType == typeof(bool)) option.Arity = ArgumentArity.Zero;
            foreach (string alias in option.Aliases.Where(alias => alias.StartsWith('/')).ToArray()) option.Aliases.Remove(alias);
        }
        foreach (var inner in command.Subcommands) Fit(inner);
    }
}
