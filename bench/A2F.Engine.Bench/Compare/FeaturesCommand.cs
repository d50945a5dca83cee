using System.Diagnostics;
using System.Globalization;
using A2F.Engine.Animation;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>
/// `features`: what a diffusion model costs that makes blendshape weights of features, beside one that makes vertices first: time of a window
/// and of its weights, and resident memory. Memory is a process's, so a model without vertices takes a run of its own.
/// </summary>
internal static class FeaturesCommand
{
    private const double WarmUpSeconds = 3;
    private const int OrderSeed = 1;

    private sealed record Options(string Model, bool Vertices, int Threads, double Seconds);

    public static int Run(ReadOnlySpan<string> args)
    {
        Options options = Parse(args);
        long start = Stopwatch.GetTimestamp();
        using DiffusionModel model = DiffusionModel.Load(options.Model, new ModelOptions
        {
            Device = "cpu",
            Threads = options.Threads,
            MaxBatch = 1,
            Vertices = options.Vertices,
        });
        double load = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        MachineInfo machine = MachineInfo.Current;
        Console.WriteLine($"processor   {machine.Processor}, {machine.Cores} cores, {machine.InstructionSets}");
        Console.WriteLine($"versions    {machine.Runtime}, {machine.System}, {machine.Build}");
        Console.WriteLine($"model       {options.Model}, {options.Threads} thread(s), one window, {(options.Vertices ? "with" : "without")} vertices");
        Console.WriteLine();
        Memory($"loaded in {load:F0} ms");

        DiffusionIdentity who = model.Folder.Identities[0];
        List<Contender> contenders = [];
        Subject? byVertices = null;
        if (options.Vertices)
        {
            byVertices = new Subject(model, false, new FaceAnimator(
                model.RigOf(0), 60, 1, who.Parameters, who.SkinSolver, who.TongueSolver, vertices: false));
            byVertices.AddTo(contenders, "vertices");
        }
        start = Stopwatch.GetTimestamp();
        FaceRig rig = model.FeatureRigOf(0);
        Memory($"face of features in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms");
        Subject byFeatures = new(model, true, new FaceAnimator(
            rig, 60, 1, who.Parameters, who.SkinSolver, who.TongueSolver, vertices: false));
        byFeatures.AddTo(contenders, "features");

        double[][] times = Interleaved.Measure(contenders, WarmUpSeconds, options.Seconds, OrderSeed);
        Memory($"after {times[0].Length} windows");
        Console.WriteLine();
        Console.WriteLine("milliseconds a window            min     median        p95     runs");
        for (int i = 0; i < contenders.Count; i++)
        {
            Timing t = Timing.Of(times[i]);
            Console.WriteLine(FormattableString.Invariant($"{contenders[i].Name,-25} {t.Min,10:F3} {t.Median,10:F3} {t.P95,10:F3} {t.Runs,8}"));
        }
        if (byVertices is not null)
        {
            Console.WriteLine();
            Console.WriteLine(FormattableString.Invariant($"largest difference of a weight: {byVertices.FarthestFrom(byFeatures):E1}"));
        }
        return 0;
    }

    /// <summary>One way from a window to weights.</summary>
    private sealed class Subject
    {
        private readonly DiffusionModel _model;
        private readonly bool _features;
        private readonly FaceAnimator _animator;
        private readonly FaceFrames _frames;
        private readonly float[] _window, _identity, _emotion, _state, _nextState, _rows;

        public Subject(DiffusionModel model, bool features, FaceAnimator animator)
        {
            (_model, _features, _animator) = (model, features, animator);
            using BenchInputs inputs = new(model.Folder.Path, 1, "window");
            _window = inputs.Audio("window", model.WindowLength);
            _identity = new float[model.IdentityCount];
            _identity[0] = 1;
            _emotion = inputs.Values("emotion", model.EmotionVectors * model.EmotionCount);
            (_state, _nextState) = (new float[model.StateLength], new float[model.StateLength]);
            _rows = new float[model.CentreFrames * model.RowLength(features)];
            _frames = animator.CreateFrames(model.CentreFrames);
        }

        public void AddTo(List<Contender> contenders, string name)
        {
            contenders.Add(new Contender($"network, to {name}", 0, () => _model.Run(_features, _window, _identity, _emotion, _state, [], _rows, _nextState)));
            contenders.Add(new Contender($"weights, from {name}", 0, () =>
            {
                _animator.Reset();
                _animator.Animate(_rows, _frames, 0);
            }));
        }

        public float FarthestFrom(Subject other) => _frames.SkinWeights.Concat(_frames.TongueWeights)
            .Zip(other._frames.SkinWeights.Concat(other._frames.TongueWeights), (a, b) => Math.Abs(a - b)).DefaultIfEmpty().Max();
    }

    private static void Memory(string when)
    {
        GC.Collect();
        using Process self = Process.GetCurrentProcess();
        Console.WriteLine(FormattableString.Invariant(
            $"{when}: {self.WorkingSet64 / 1e6:F0} MB resident, {self.PeakWorkingSet64 / 1e6:F0} MB at most so far"));
    }

    private static Options Parse(ReadOnlySpan<string> args)
    {
        Options options = new(Model: "", Vertices: true, Threads: 1, Seconds: 20);
        for (int i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--weights-only":
                    options = options with { Vertices = false };
                    break;
                case "--threads" or "--seconds" when ++i < args.Length:
                    if (!double.TryParse(args[i], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) || value < 0.1)
                        throw Wrong($"{args[i - 1]}: expected a number, found '{args[i]}'");
                    options = args[i - 1] == "--threads" ? options with { Threads = Math.Max((int)value, 1) } : options with { Seconds = value };
                    break;
                case string name when !name.StartsWith('-') && options.Model.Length == 0:
                    options = options with { Model = name };
                    break;
                default:
                    throw Wrong($"unexpected '{args[i]}'");
            }
        }
        return options.Model.Length > 0 ? options : throw Wrong("a folder of a diffusion model is expected");
    }

    private static A2FException Wrong(string message) => new(A2FErrorCode.InvalidArgument, message);
}
