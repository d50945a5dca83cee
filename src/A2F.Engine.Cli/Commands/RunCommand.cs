using System.CommandLine;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f run</c>: the bare network on named tensors.</summary>
internal static class RunCommand
{
    private const int WindowsBetweenReports = 32;

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> inputs = CommonOptions.Inputs(
            "Arrays 'input' [windows, 1, samples] and 'emotion' [windows, 1, values]; the middle 1 may be left out. " +
            "Other arrays are ignored.");
        Option<string> outputs = CommonOptions.Outputs("Gets the array 'result' [windows, 1, outputs].");
        Option<string> prefix = CommonOptions.Prefix(), device = CommonOptions.Device();
        Option<string> precision = CommonOptions.Precision(), threads = CommonOptions.Threads();
        ExampleCommand command = new("run", "Runs the bare network on audio windows and emotion vectors.",
            "a2f run models/claire --inputs in.npz --outputs out.npz",
            "a2f run tests/data/fixtures/reg_tiny --inputs tests/data/fixtures/reg_tiny/io.npz --prefix b3. --outputs out.npz")
        {
            model, inputs, outputs, prefix, device, precision, threads,
        };
        command.SetAction(parsed => Run(
            terminal, parsed.GetRequiredValue(model), parsed.GetRequiredValue(inputs), parsed.GetRequiredValue(outputs),
            parsed.GetRequiredValue(prefix),
            CommonOptions.ModelOptions(
                parsed.GetRequiredValue(device), parsed.GetRequiredValue(precision), parsed.GetRequiredValue(threads))));
        return command;
    }

    private static int Run(Terminal terminal, string modelPath, string inputs, string outputs, string prefix, ModelOptions options)
    {
        OutputFile.CheckWritable(outputs, inputs);
        using InputArrays arrays = InputArrays.Open(inputs, prefix);
        using RegressionModel model = RegressionModel.Load(modelPath, options);
        CommonOptions.Explain(terminal, model);
        float[] windows = arrays.ReadRows("input", "windows", model.InputLength);
        float[] emotions = arrays.ReadRows("emotion", "windows", model.EmotionLength);
        int count = windows.Length / model.InputLength, vectors = emotions.Length / model.EmotionLength;
        if (count != vectors)
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{inputs}: 'input' has {count} windows, but 'emotion' has {vectors}; expected as many");
        if ((long)count * model.OutputLength > Array.MaxLength)
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{inputs}: the results of {count} windows are more than one array holds; split the file");
        float[] results =
            ProgressDisplay.Show(terminal, "running", progress => Infer(model, windows, emotions, count, progress, terminal.Cancel));
        NpzFile.Write(outputs, [new("result", NdArray.Of(results, count, 1, model.OutputLength))]);
        if (terminal.Interactive) terminal.Error.WriteLine($"{outputs}: {count} windows, {model.Device}, model {model.Folder.Info.Actor}");
        return ExitCode.Ok;
    }

    private static float[] Infer(
        RegressionModel model, float[] windows, float[] emotions, int count, IProgress<double>? progress, CancellationToken cancel)
    {
        float[] results = new float[count * model.OutputLength];
        for (int first = 0; first < count; first += WindowsBetweenReports)
        {
            cancel.ThrowIfCancellationRequested();
            int batch = Math.Min(WindowsBetweenReports, count - first);
            model.Infer(Rows(windows, model.InputLength), Rows(emotions, model.EmotionLength), Rows(results, model.OutputLength));
            progress?.Report((double)(first + batch) / count);

            Span<float> Rows(float[] values, int length) => values.AsSpan(first * length, batch * length);
        }
        return results;
    }
}
