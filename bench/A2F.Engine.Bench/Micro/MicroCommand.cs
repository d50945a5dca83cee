using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace A2F.Engine.Bench;

/// <summary>`micro`: single operators under BenchmarkDotNet, whose own arguments follow the command's name.</summary>
internal static class MicroCommand
{
    public static int Run(string[] args)
    {
        // In this process: a generated project per case would cost more than its measurement, and needs a package source.
        Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(10);
        ManualConfig config = ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddLogger(ConsoleLogger.Default)
            .AddColumn(
                TargetMethodColumn.Method, StatisticColumn.Min, StatisticColumn.Median, StatisticColumn.Mean, StatisticColumn.P95,
                new GflopsColumn())
            .AddColumnProvider(DefaultColumnProviders.Params)
            .AddExporter(MarkdownExporter.GitHub)
            .WithSummaryStyle(SummaryStyle.Default.WithMaxParameterColumnWidth(40));
        // Without a filter BenchmarkDotNet asks, which a pipe can't answer.
        string[] filtered = args.Any(a => a is "-f" or "--filter" or "--list") ? args : ["--filter", "*", .. args];
        IEnumerable<Summary> summaries =
            BenchmarkSwitcher.FromTypes([typeof(GemmBenchmarks), typeof(RowBenchmarks)]).Run(filtered, config);
        return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;
    }
}
