namespace ClipNotebooks.Cli.Commands;

/// <summary>One row of the doctor's table. Cure: one line, null where nothing is wrong. Fatal: the lessons cannot run with it.</summary>
internal sealed record Finding(string Subject, string State, string? Cure = null, bool Fatal = false);
