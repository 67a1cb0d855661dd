using System.Diagnostics;
using System.Reflection;
using System.Text;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Events;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Runs the cells of one lesson in this process, in the C# kernel that VS Code and Jupyter run them in.</summary>
internal sealed class LessonKernel(Notebook notebook, LessonOutput output)
{
    /// <summary>Call within <see cref="LessonThread.Run"/>: TorchSharp counts tensors and keeps its dispose scopes by thread.</summary>
    /// <returns>True when every code cell passed.</returns>
    internal async Task<bool> RunAsync(bool keepGoing)
    {
        Console.SetIn(TextReader.Null);
        // The pages that are written load plotly.js from a file beside them, so plots need not bring it.
        AppContext.SetData("ClipNotebooks.PlotlyBeside", true);
        Directory.SetCurrentDirectory(Path.GetDirectoryName(Path.GetFullPath(notebook.Path))!);
        SynchronizationContext thread = SynchronizationContext.Current!;
        CSharpKernel cells = Create(Path.GetFullPath(notebook.Path));
        cells.AddMiddleware((command, context, next) => RunInAsync(thread, () => next(command, context)));
        using CompositeKernel kernel = [cells];
        using IDisposable events = kernel.KernelEvents.Subscribe(output.Take, _ => { });
        bool passed = true;
        foreach (NotebookCell cell in notebook.CodeCells)
        {
            output.Begin(cell.Number);
            Stopwatch clock = Stopwatch.StartNew();
            CellFailure? failure = await RunAsync(kernel, cell);
            output.End(clock.Elapsed.TotalSeconds, failure);
            passed &= failure is null;
            if (failure is not null && !keepGoing)
                break;
        }
        return passed;
    }

    /// <summary>Runs a cell. The #line directive makes compile errors and exceptions name the lines of the lesson's file.</summary>
    private static async Task<CellFailure?> RunAsync(CompositeKernel kernel, NotebookCell cell)
    {
        SubmitCode code = new($"#line {cell.Line}\n{cell.Source}", "csharp");
        KernelCommandResult result = await kernel.SendAsync(code);
        return result.Events.OfType<CommandFailed>().FirstOrDefault() is { } failed ? Failures.Of(cell, failed) : null;
    }

    private static CSharpKernel Create(string path)
    {
        CSharpKernel kernel = new CSharpKernel().UseValueSharing();
        // Exceptions have line numbers only with debug information, which the kernel does not emit and has no setting for. Warnings are
        // turned off: they are not shown, and the kernel collects them a second time after each cell. `display` and the like are imported
        // here, which saves them a cell of their own.
        FieldInfo field = typeof(CSharpKernel).GetField("_scriptOptions", BindingFlags.NonPublic | BindingFlags.Instance)
            ?? throw new MissingFieldException(nameof(CSharpKernel), "_scriptOptions");
        ScriptOptions options = (ScriptOptions)field.GetValue(kernel)!;
        field.SetValue(kernel, options.WithEmitDebugInformation(true).WithFileEncoding(Encoding.UTF8).WithFilePath(path)
            .AddImports(typeof(Kernel).FullName!).WithWarningLevel(0));
        return kernel;
    }

    /// <summary>
    /// The kernel runs a cell on its own thread, and after an await on any thread; here everything runs on the lesson's thread.
    /// </summary>
    private static Task RunInAsync(SynchronizationContext lesson, Func<Task> work)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ExecutionContext flow = ExecutionContext.Capture()!;
        lesson.Post(_ => ExecutionContext.Run(flow, _ => work().ContinueWith(done.SetFromTask, TaskScheduler.Default), null), null);
        return done.Task;
    }
}
