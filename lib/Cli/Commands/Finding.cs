namespace ClipNotebooks.Cli.Commands;

/// <summary>
/// One row of the doctor's table. Cure says in one line what to do, null if nothing is wrong. Fatal: the lessons cannot run.
/// </summary>
internal sealed record Finding(string Subject, string State, string? Cure = null, bool Fatal = false);
