using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using ClipNotebooks.Benchmarks;

// In this process, where the machine's limits are measured too; a run takes from a millisecond to ten seconds, so that each is timed by itself.
var job = Job.InProcess.WithInvocationCount(1).WithUnrollFactor(1).WithWarmupCount(2).WithMinIterationCount(3).WithMaxIterationCount(15);
var config = DefaultConfig.Instance.AddJob(job).AddColumn(new RateColumn(), new PlainColumn(), new ShareColumn()).HideColumns("InvocationCount", "UnrollFactor")
    .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(100)).WithArtifactsPath(Path.Combine("artifacts", "benchmarks"));
WorkloadBenchmark.Only = args is [var only, ..] ? only : "";
BenchmarkRunner.Run<WorkloadBenchmark>(config);
