using System.CommandLine;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Cli.Output;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Commands;

/// <summary><c>a2f run</c>: the bare network on named tensors.</summary>
internal static class RunCommand
{
    private const int WindowsBetweenReports = 32;

    private sealed record Request(Terminal Terminal, string Model, InputArrays Arrays, string Inputs, string Outputs, ModelOptions Options);

    public static Command Create(Terminal terminal)
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> inputs = CommonOptions.Inputs(
            "Arrays by the kind of the model. Regression: 'input' [windows, 1, samples], 'emotion' [windows, 1, values]; the middle 1 may be " +
            "left out. Diffusion: 'window' [windows, samples], 'identity' [windows, identities], 'emotion' [windows, frames, values], and if " +
            "wanted 'input_latents' [steps, layers, windows, channels] (else zeros) and 'noise' [windows, steps + 1, frames, outputs] (else " +
            "constant). Emotion: 'input_values' [windows, samples]. Other arrays are ignored.");
        Option<string> outputs = CommonOptions.Outputs(
            "Gets 'result' [windows, 1, outputs]; or 'prediction' [windows, centre frames, outputs] and 'output_latents'; or 'output' " +
            "[windows, classes].");
        Option<string> prefix = CommonOptions.Prefix(), device = CommonOptions.Device();
        Option<string> precision = CommonOptions.Precision(), threads = CommonOptions.Threads();
        ExampleCommand command = new("run", "Runs the bare network of any kind of model on given tensors.",
            "a2f run models/claire --inputs in.npz --outputs out.npz",
            "a2f run tests/data/fixtures/reg_tiny --inputs tests/data/fixtures/reg_tiny/io.npz --prefix b3. --outputs out.npz",
            "a2f run tests/data/fixtures/diff_tiny_60 --inputs tests/data/fixtures/diff_tiny_60/io.npz --prefix b3. --outputs out.npz")
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
        Request request = new(terminal, modelPath, arrays, inputs, outputs, options);
        string summary = ModelFolders.KindOf(modelPath) switch
        {
            ModelKind.Regression => RunRegression(request),
            ModelKind.Diffusion => RunDiffusion(request),
            _ => RunEmotion(request),
        };
        if (terminal.Interactive) terminal.Error.WriteLine($"{outputs}: {summary}");
        return ExitCode.Ok;
    }

    private static string RunRegression(Request request)
    {
        using RegressionModel model = RegressionModel.Load(request.Model, request.Options);
        CommonOptions.Explain(request.Terminal, model.Device, model.DeviceReason);
        float[] windows = request.Arrays.ReadRows("input", "windows", model.InputLength);
        float[] emotions = request.Arrays.ReadRows("emotion", "windows", model.EmotionLength);
        int count = windows.Length / model.InputLength;
        CheckCount(request, "input", count, "emotion", emotions.Length / model.EmotionLength);
        float[] results = Room(request, count, model.OutputLength);
        InPieces(request, count, (first, batch) => model.Infer(
            Rows(windows, model.InputLength, first, batch), Rows(emotions, model.EmotionLength, first, batch),
            Rows(results, model.OutputLength, first, batch)));
        NpzFile.Write(request.Outputs, [new("result", NdArray.Of(results, count, 1, model.OutputLength))]);
        return $"{count} windows, {model.Device}, model {model.Folder.Info.Actor}";
    }

    private static string RunDiffusion(Request request)
    {
        bool given = request.Arrays.Has("noise");
        // A batch takes memory for all its vertices: no more windows at once than there are.
        int most = Math.Clamp(request.Arrays.RowsOf("window"), 1, request.Options.MaxBatch);
        using DiffusionModel model = DiffusionModel.Load(
            request.Model, request.Options with { MaxBatch = most, Noise = given ? NoiseSource.Given : NoiseSource.Constant });
        CommonOptions.Explain(request.Terminal, model.Device, model.DeviceReason);
        DiffusionInfo info = model.Folder.Info;
        int emotion = model.EmotionVectors * model.EmotionCount, output = model.CentreFrames * model.OutputLength;
        float[] windows = request.Arrays.ReadRows("window", "windows", model.WindowLength);
        int count = windows.Length / model.WindowLength;
        float[] identities = request.Arrays.ReadRows("identity", "windows", model.IdentityCount);
        CheckCount(request, "window", count, "identity", identities.Length / model.IdentityCount);
        float[] emotions = model.EmotionVectors == 1
            ? request.Arrays.ReadRows("emotion", "windows", model.EmotionCount)
            : request.Arrays.Read("emotion", "windows", model.EmotionVectors, model.EmotionCount).Values;
        CheckCount(request, "window", count, "emotion", emotions.Length / emotion);
        float[] noise = given ? request.Arrays.Read("noise", "windows", info.Steps + 1, info.FrameCount, model.OutputLength).Values : [];
        if (given) CheckCount(request, "window", count, "noise", noise.Length / model.NoiseLength);
        float[] states = new float[count * model.StateLength], predictions = Room(request, count, output);
        if (request.Arrays.Has("input_latents"))
        {
            (float[] latents, IReadOnlyList<int> shape) =
                request.Arrays.Read("input_latents", info.Steps, info.GruLayers, "windows", info.GruSize);
            CheckCount(request, "window", count, "input_latents", shape[2]);
            states = Exchanged(latents, info.Steps * info.GruLayers, count, info.GruSize);
        }
        InPieces(request, count, (first, batch) => model.Infer(
            Rows(windows, model.WindowLength, first, batch), Rows(identities, model.IdentityCount, first, batch),
            Rows(emotions, emotion, first, batch), Rows(states, model.StateLength, first, batch), Rows(noise, model.NoiseLength, first, batch),
            Rows(predictions, output, first, batch), Rows(states, model.StateLength, first, batch)));
        float[] next = Exchanged(states, count, info.Steps * info.GruLayers, info.GruSize);
        NpzFile.Write(request.Outputs,
        [
            new("prediction", NdArray.Of(predictions, count, model.CentreFrames, model.OutputLength)),
            new("output_latents", NdArray.Of(next, info.Steps, info.GruLayers, count, info.GruSize)),
        ]);
        return $"{count} windows, {model.Device}, model {info.Actor}";
    }

    private static string RunEmotion(Request request)
    {
        (float[] windows, IReadOnlyList<int> shape) = request.Arrays.Read("input_values", "windows", "samples");
        (int count, int length) = (shape[0], shape[1]);
        using EmotionModel model = EmotionModel.Load(request.Model, request.Options with { EmotionWindow = length });
        CommonOptions.Explain(request.Terminal, model.Device, model.DeviceReason);
        float[] logits = Room(request, count, model.Labels);
        InPieces(request, count, (first, batch) => model.Infer(Rows(windows, length, first, batch), Rows(logits, model.Labels, first, batch)));
        NpzFile.Write(request.Outputs, [new("output", NdArray.Of(logits, count, model.Labels))]);
        return $"{count} windows, {model.Device}";
    }

    private static void CheckCount(Request request, string first, int expected, string second, int found)
    {
        if (expected != found)
            throw new A2FException(A2FErrorCode.InvalidFile,
                $"{request.Inputs}: '{first}' has {expected} windows, but '{second}' has {found}; expected as many");
    }

    private static float[] Room(Request request, int count, int length) => (long)count * length <= Array.MaxLength
        ? new float[count * length]
        : throw new A2FException(A2FErrorCode.OutOfMemory,
            $"{request.Inputs}: the results of {count} windows are more than one array holds; split the file");

    private static void InPieces(Request request, int count, Action<int, int> infer) =>
        ProgressDisplay.Show(request.Terminal, "running", progress =>
        {
            for (int first = 0; first < count; first += WindowsBetweenReports)
            {
                request.Terminal.Cancel.ThrowIfCancellationRequested();
                int batch = Math.Min(WindowsBetweenReports, count - first);
                infer(first, batch);
                progress?.Report((double)(first + batch) / count);
            }
            return count;
        });

    private static Span<float> Rows(float[] values, int length, int first, int count) => values.AsSpan(first * length, count * length);

    // [a, b, length] to [b, a, length].
    private static float[] Exchanged(float[] values, int a, int b, int length)
    {
        float[] result = new float[values.Length];
        for (int i = 0; i < a; i++)
        {
            for (int j = 0; j < b; j++) Array.Copy(values, (i * b + j) * length, result, (j * a + i) * length, length);
        }
        return result;
    }
}
