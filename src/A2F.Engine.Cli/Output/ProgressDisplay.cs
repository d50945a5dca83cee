using Spectre.Console;

namespace A2F.Engine.Cli.Output;

/// <summary>A progress bar for a person who watches; nothing where nobody does.</summary>
internal static class ProgressDisplay
{
    /// <summary>Does work that reports its progress from 0 to 1.</summary>
    public static T Show<T>(Terminal terminal, string title, Func<IProgress<double>?, T> work)
    {
        if (!terminal.Interactive) return work(null);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Error) });
        return console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => work(new Bar(context.AddTask(Markup.Escape(title), maxValue: 1))));
    }

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }
}
