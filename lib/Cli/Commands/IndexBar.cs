using ClipNotebooks.Search;

namespace ClipNotebooks.Cli.Commands;

/// <summary>Shows the progress of an index on a bar.</summary>
internal sealed class IndexBar(IProgress<(int Done, int Total)> bar) : IProgress<IndexProgress>
{
    public void Report(IndexProgress value) => bar.Report((value.Done, value.Total));
}
