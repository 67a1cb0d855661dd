using System.CommandLine;
using ClipNotebooks.Cli.Shell;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook doctor`: what is installed, and how to fix what is wrong.</summary>
internal static class DoctorCommand
{
    internal static Command Create()
    {
        Option<bool> fix = new("--fix")
        {
            Description = "Mend the extension's tool manifest, which VS Code trips over from its second start on.",
        };
        Command command = new("doctor", $"""
            Says what the lessons will run on, and how to mend what is wrong: SDK, system, native library, device, memory, model,
                models that
            are half fetched, editor.

            Examples:
              clipbook doctor
              clipbook doctor --fix                        mends what VS Code's extension for notebooks fails with from its second start on
              CLIP_MODEL=path/to/model clipbook doctor     checks that model instead of the embedded one

            Exit code 1: the lessons cannot run. {ExitCode.Help}
            """) { fix };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(fix))
                Mend(EditorStorage.Broken());
            Finding[] findings = [.. Diagnosis.All(RepositoryRoot.TryFind())];
            Table table = new Table().RoundedBorder().AddColumn("").AddColumn("what").AddColumn("state");
            foreach (Finding finding in findings)
                table.AddRow(finding.Fatal ? "[red]✗[/]" : finding.Cure is not null ? "[yellow]![/]" : "[green]✓[/]",
                    Markup.Escape(finding.Subject),
                    Markup.Escape(finding.State) + (finding.Cure is null ? "" : $"\n[bold]→ {Markup.Escape(finding.Cure)}[/]"));
            Terminal.Rich().Write(table);
            bool fatal = findings.Any(finding => finding.Fatal);
            Terminal.WriteLine(fatal ? "The lessons cannot run yet: mend the lines marked ✗." : "The lessons can run: clipbook run");
            return fatal ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }

    /// <summary>Mends each folder separately, so that a failure in one editor does not keep the others from being mended.</summary>
    /// <exception cref="UserError">A folder was not mended; the message says which, and how to do it by hand.</exception>
    internal static void Mend(IReadOnlyList<string> folders)
    {
        List<string> failed = [];
        foreach (string folder in folders)
            try
            {
                EditorStorage.Mend(folder);
                string moved = Path.Combine(folder, ".config");
                Terminal.WriteLine($"Mended: the extension's tool manifest is in {moved}. Reload the editor's window.");
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                failed.Add($"The extension's tool manifest in {folder} was not moved: {problem.Message} "
                    + $"By hand: {EditorStorage.ByHand(folder)}");
            }
        if (failed.Count > 0)
            throw new UserError(string.Join(Environment.NewLine, failed));
        if (folders.Count == 0)
            Terminal.WriteLine("Nothing to mend in the editors.");
    }
}
