using System.Diagnostics;
using System.Globalization;
using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>
/// `animation`: what the animation stage costs beside a regression network: frames of speech, one at a time, to weights from coefficients
/// directly, to weights through the vertices that the solve looks at, and to weights and all vertices.
/// </summary>
internal static class AnimationCommand
{
    private const double WarmUpSeconds = 3;
    private const int MostFrames = 600, OrderSeed = 1, Rate = 60;

    private sealed record Options(string Model, string? Audio, int Threads, double Seconds);

    public static int Run(ReadOnlySpan<string> args)
    {
        Options options = Parse(args);
        using RegressionModel model = RegressionModel.Load(options.Model, new ModelOptions { Device = "cpu", Threads = options.Threads, MaxBatch = 1 });
        (float[] windows, int count) = Windows(model, options.Audio);
        float[] emotion = new float[model.EmotionLength], row = new float[model.OutputLength], rows = new float[count * model.OutputLength];
        for (int i = 0; i < count; i++)
            model.Infer(windows.AsSpan(i * model.InputLength, model.InputLength), emotion, rows.AsSpan(i * model.OutputLength, model.OutputLength));

        int next = 0;
        _ = model.Rig;
        long start = Stopwatch.GetTimestamp();
        Animated folded = new(model, rows, vertices: false, folded: true);
        double folding = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        model.Rig.SkinFold(0.5f, 0.02f);
        double refolding = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Animated plain = new(model, rows, vertices: false, folded: false);
        Animated whole = new(model, rows, vertices: true, folded: false);
        Contender[] contenders =
        [
            new("network", 0, () =>
            {
                model.Infer(windows.AsSpan(next * model.InputLength, model.InputLength), emotion, row);
                next = (next + 1) % count;
            }),
            new("weights from coefficients", 0, folded.Next), new("weights through vertices", 0, plain.Next), new("weights and all vertices", 0, whole.Next),
        ];
        double[][] times = Interleaved.Measure(contenders, WarmUpSeconds, options.Seconds, OrderSeed);

        MachineInfo machine = MachineInfo.Current;
        Console.WriteLine($"processor   {machine.Processor}, {machine.Cores} cores, {machine.InstructionSets}");
        Console.WriteLine($"versions    {machine.Runtime}, {machine.System}, {machine.Build}");
        Console.WriteLine($"model       {options.Model}, {options.Threads} thread(s), {count} frames of {options.Audio ?? "made sound"}");
        Console.WriteLine();
        Console.WriteLine("milliseconds a frame             min     median        p95     runs    of the network's median");
        double network = Timing.Of(times[0]).Median;
        for (int i = 0; i < contenders.Length; i++)
        {
            Timing t = Timing.Of(times[i]);
            Console.WriteLine(FormattableString.Invariant(
                $"{contenders[i].Name,-25} {t.Min,10:F4} {t.Median,10:F4} {t.P95,10:F4} {t.Runs,8} {100 * t.Median / network,12:F2} %"));
        }
        Console.WriteLine();
        Console.WriteLine(FormattableString.Invariant($"matrices from coefficients to right-hand sides made in {folding:F0} ms; for another border of the face in {refolding:F0} ms"));
        Console.WriteLine(FormattableString.Invariant($"largest difference of a weight: {folded.FarthestFrom(whole):E1}"));
        return 0;
    }

    /// <summary>An animator that takes the rows over and over, each time around as a new track.</summary>
    private sealed class Animated
    {
        private readonly FaceAnimator _animator;
        private readonly FaceFrames _frames;
        private readonly float[] _rows;
        private readonly int _length;
        private int _next;

        public Animated(RegressionModel model, float[] rows, bool vertices, bool folded)
        {
            RegressionModelFolder folder = model.Folder;
            _animator = new FaceAnimator(
                model.Rig, Rate, 1, folder.Parameters, folder.SkinSolver, folder.TongueSolver, vertices: vertices, folded: folded);
            (_rows, _length) = (rows, model.OutputLength);
            _frames = _animator.CreateFrames(1);
        }

        public void Next()
        {
            if (_next == 0) _animator.Reset();
            _animator.Animate(_rows.AsSpan(_next * _length, _length), _frames, 0);
            _next = (_next + 1) % (_rows.Length / _length);
        }

        public float FarthestFrom(Animated other)
        {
            (_next, other._next) = (0, 0);
            float most = 0;
            for (int i = 0; i < _rows.Length / _length; i++)
            {
                Next();
                other.Next();
                for (int k = 0; k < _frames.SkinWeights.Length; k++) most = Math.Max(most, Math.Abs(_frames.SkinWeights[k] - other._frames.SkinWeights[k]));
                for (int k = 0; k < _frames.TongueWeights.Length; k++) most = Math.Max(most, Math.Abs(_frames.TongueWeights[k] - other._frames.TongueWeights[k]));
            }
            return most;
        }
    }

    private static (float[] Windows, int Count) Windows(RegressionModel model, string? audio)
    {
        RegressionInfo info = model.Folder.Info;
        ReadOnlyMemory<float> samples = audio is null ? BenchInputs.Sound(MostFrames * AudioClip.SampleRate / Rate) : AudioFile.Load(audio).Samples;
        WindowProgress progress = WindowProgress.ForRegression(info.BufferLength, info.BufferOffset, info.SampleRate, Rate, 1);
        int count = (int)Math.Clamp(progress.CountReportedFrames(samples.Length), 1, MostFrames);
        float[] windows = new float[count * model.InputLength];
        for (int i = 0; i < count; i++)
        {
            AudioWindow.Read(samples.Span, 0, closed: true, progress.WindowStart(i), model.Folder.Parameters.InputStrength,
                windows.AsSpan(i * model.InputLength, model.InputLength));
        }
        return (windows, count);
    }

    private static Options Parse(ReadOnlySpan<string> args)
    {
        Options options = new(Model: "", Audio: null, Threads: 1, Seconds: 20);
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--audio" when ++i < args.Length:
                    options = options with { Audio = args[i] };
                    break;
                case "--threads" when ++i < args.Length && int.TryParse(args[i], NumberStyles.None, CultureInfo.InvariantCulture, out int threads) && threads > 0:
                    options = options with { Threads = threads };
                    break;
                case "--seconds" when ++i < args.Length
                    && double.TryParse(args[i], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds > 0:
                    options = options with { Seconds = seconds };
                    break;
                case string name when !name.StartsWith('-') && options.Model.Length == 0:
                    options = options with { Model = name };
                    break;
                default:
                    throw new A2FException(A2FErrorCode.InvalidArgument, $"unexpected '{args[Math.Min(i, args.Length - 1)]}'");
            }
        }
        return options.Model.Length > 0 ? options
            : throw new A2FException(A2FErrorCode.InvalidArgument, "a folder of a regression model is expected");
    }
}
