using ClipNotebooks.Search;

namespace ClipNotebooks.Cli.Commands;

/// <summary>The progress of an index, on a bar that knows how many of how many.</summary>
internal sealed class IndexBar(IProgress<(int Done, int Total)> bar) : IProgress<IndexProgress>
{
    public void Report(IndexProgress value) => bar.Report((value.Done, value.Total));
}
