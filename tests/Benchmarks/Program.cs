using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using ClipNotebooks.Benchmarks;

// In this process, where the machine's limits are measured too; a run takes from a millisecond to a quarter of a minute, so that each is
// timed by itself.
var job = Job.InProcess.WithInvocationCount(1).WithUnrollFactor(1).WithWarmupCount(2).WithMinIterationCount(3).WithMaxIterationCount(8);
var config = DefaultConfig.Instance.HideColumns("InvocationCount", "UnrollFactor")
    .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(100)).WithArtifactsPath(Path.Combine("artifacts", "benchmarks"));
WorkloadBenchmark.Only = args is [var only, ..] ? only : "";
if (WorkloadBenchmark.Names.Any()) BenchmarkRunner.Run<WorkloadBenchmark>(
    ManualConfig.Create(config).AddJob(job).AddColumn(new RateColumn(), new PlainColumn(), new ShareColumn()));

// Its lessons run in processes of their own: nothing here to warm up.
if (WorkbookBenchmark.Name.Contains(WorkloadBenchmark.Only, StringComparison.OrdinalIgnoreCase))
    BenchmarkRunner.Run<WorkbookBenchmark>(ManualConfig.Create(config)
        .AddJob(job.WithStrategy(RunStrategy.Monitoring).WithWarmupCount(0).WithIterationCount(3)));
