using System.CommandLine;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook doctor`: what is installed, and the cure of what is wrong.</summary>
internal static class DoctorCommand
{
    internal static Command Create()
    {
        Command command = new("doctor", $"""
            Says what the lessons will run on, and how to mend what is wrong: SDK, system, native library, device, memory, model, caches, editor.

            Examples:
              clipbook doctor
              CLIP_MODEL=path/to/model clipbook doctor     checks that model instead of the embedded one

            Exit code 1: the lessons cannot run. {ExitCode.Help}
            """);
        command.SetAction(_ =>
        {
            Finding[] findings = [.. Diagnosis.All(RepositoryRoot.TryFind())];
            Table table = new Table().RoundedBorder().AddColumn("").AddColumn("what").AddColumn("state");
            foreach (Finding finding in findings)
                table.AddRow(finding.Fatal ? "[red]✗[/]" : finding.Cure is not null ? "[yellow]![/]" : "[green]✓[/]", Markup.Escape(finding.Subject),
                    Markup.Escape(finding.State) + (finding.Cure is null ? "" : $"\n[bold]→ {Markup.Escape(finding.Cure)}[/]"));
            AnsiConsole.Write(table);
            bool fatal = findings.Any(finding => finding.Fatal);
            AnsiConsole.WriteLine(fatal ? "The lessons cannot run yet: mend the lines marked ✗." : "The lessons can run: clipbook run");
            return fatal ? ExitCode.Failed : ExitCode.Success;
        });
        return command;
    }
}
