using A2F.CudaEmulator.Driver;
using A2F.Engine.Animation;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Faces of the golden model, rows of its network output, and changes of parameters.</summary>
internal static class FaceFixture
{
    private static readonly float[] Outputs = Golden.RegressionOutputs();
    private static readonly Lazy<float[]> Displacements = new(Golden.DiffusionOutputs);

    public static FaceRig Rig { get; } = new(Golden.RegressionGeometry(), Golden.Blendshapes("skin"), Golden.Blendshapes("tongue"));

    public static FaceRig DiffusionRig { get; } = new(Golden.DiffusionGeometry(), Golden.Blendshapes("skin"), Golden.Blendshapes("tongue"));

    /// <summary>A face of the same sizes: other bases, with offsets, other vertices to look at.</summary>
    public static FaceRig OtherRig { get; } = MakeOther();

    public static AnimatorParameters Parameters { get; } = Golden.Parameters("model_regression/model_config.json");

    public static float[] Row(int frame) => Outputs.AsSpan(frame * Rig.OutputLength, Rig.OutputLength).ToArray();

    public static float[] DiffusionRow(int frame) => Displacements.Value.AsSpan(frame * DiffusionRig.OutputLength, DiffusionRig.OutputLength).ToArray();

    private static FaceRig MakeOther()
    {
        FaceGeometry g = Golden.RegressionGeometry();
        float[] Scaled(ReadOnlyMemory<float> values, float by) => Array.ConvertAll(values.ToArray(), v => v * by);
        BlendshapeSet skin = Golden.Blendshapes("skin");
        return new FaceRig(
            g with
            {
                SkinBasis = Scaled(g.SkinBasis, 0.9f),
                TongueBasis = Scaled(g.TongueBasis, 1.2f),
                SkinOffset = Scaled(g.LipOpenDelta, 0.1f),
                TongueOffset = Scaled(g.TongueNeutral, 0.01f),
                NeutralJaw = Scaled(g.NeutralJaw, 1.1f),
            },
            skin with { FrontalMask = [.. skin.FrontalMask!.Where(v => v % 5 != 2)] }, Golden.Blendshapes("tongue"));
    }

    /// <summary>One of a dozen changes of a character's parameters, on both stages of a pair.</summary>
    public static void Change(FacePair pair, int character, int number)
    {
        foreach (FaceCharacter one in pair.Both(character))
        {
            SolverParameters skin = one.SkinSolver!, tongue = one.TongueSolver!;
            AnimatorParameters p = one.Parameters;
            switch (number % 12)
            {
                case 0: one.Parameters = p with { FaceMaskLevel = 0.45f, FaceMaskSoftness = 0.1f }; break;
                case 1: one.Parameters = p with { LowerFaceSmoothing = 0.02f, UpperFaceSmoothing = 0.05f }; break;
                case 2: one.Parameters = p with { SkinStrength = 1.4f, LowerFaceStrength = 0.7f, TongueStrength = 0.5f, BlinkOffset = 0.6f }; break;
                case 3: one.SkinSolver = skin with { Multipliers = [.. skin.Multipliers.Select((v, i) => v * (1 + 0.01f * i))], Offsets = [.. skin.Offsets.Select(v => v + 0.1f)] }; break;
                case 4: one.SkinSolver = skin with { ActivePoses = [.. skin.ActivePoses.Select((active, i) => active && i % 4 != 1)] }; break;
                case 5: one.SkinSolver = skin with { TemporalSmoothing = 1.5f }; break;
                case 6: one.SolveOptions = new SolveOptions { Objective = SolveObjective.Energy }; break;
                case 7: one.SkinSolver = skin with { CancelPoses = [.. Enumerable.Range(0, 52).Select(i => i < 20 ? i / 2 : -1)] }; break;
                case 8: one.SkinSolver = skin with { ActivePoses = [.. Enumerable.Repeat(true, 52)] }; one.Parameters = p with { UpperFaceSmoothing = 0 }; break;
                case 9: one.SolveOptions = new SolveOptions { PairUnmarkedPoses = true }; break;
                case 10: one.TongueSolver = tongue with { ActivePoses = [.. tongue.ActivePoses.Select((active, i) => active && i != 3)], L2Regularization = 0.3f }; break;
                default: one.Parameters = p with { LowerTeethStrength = 1.5f, LowerTeethDepthOffset = 0.4f, SaccadeStrength = 0.3f, EyeSaccadeSeed = 1234.5f, RightEyeRotXOffset = 2 }; break;
            }
        }
    }

    /// <summary>Fails unless a frame has the same bits as another.</summary>
    public static void AssertSame(FaceFrames expected, int at, FaceFrames actual, int frame, string what)
    {
        foreach ((string name, float[] a, float[] b) in Arrays(expected, actual))
        {
            int length = a.Length / expected.Count;
            int bad = -1;
            for (int i = 0; i < length && bad < 0; i++)
            {
                if (BitConverter.SingleToInt32Bits(a[at * length + i]) != BitConverter.SingleToInt32Bits(b[frame * length + i])) bad = i;
            }
            Assert.True(bad < 0, $"{what}, {name}[{bad}]: expected {(bad < 0 ? 0 : a[at * length + bad]):R}, found {(bad < 0 ? 0 : b[frame * length + bad]):R}");
        }
    }

    /// <summary>Fails unless frames agree as two devices should.</summary>
    public static void AssertClose(FaceFrames expected, FaceFrames actual, string what)
    {
        foreach ((string name, float[] a, float[] b) in Arrays(expected, actual))
        {
            bool vertices = name.EndsWith("vertices", StringComparison.Ordinal);
            double tolerance = vertices ? 1e-5 * a.Append(0).Max(MathF.Abs) : name == "eyes" ? 1e-6 : 1e-5;
            Golden.AssertClose(a, b, tolerance, $"{what}, {name}");
        }
    }

    private static (string Name, float[] A, float[] B)[] Arrays(FaceFrames a, FaceFrames b) =>
    [
        ("jaw", a.Jaw, b.Jaw), ("eyes", a.Eyes, b.Eyes), ("skin vertices", a.SkinVertices, b.SkinVertices),
        ("tongue vertices", a.TongueVertices, b.TongueVertices), ("skin weights", a.SkinWeights, b.SkinWeights),
        ("tongue weights", a.TongueWeights, b.TongueWeights),
    ];
}

/// <summary>The same characters on the CPU and on a GPU.</summary>
internal sealed class FacePair : IDisposable
{
    private readonly FaceRig[] _rigs;
    private readonly List<(FaceCharacter Cpu, FaceCharacter Cuda)> _characters = [];
    private readonly FaceStage _cpu;
    private int _calls;

    public FacePair(string device, CudaFaceStageTests.Way way, int capacity, params FaceRig[] rigs)
    {
        _rigs = rigs;
        FaceStageOptions options = new()
        {
            Device = "cpu",
            Capacity = capacity,
            Vertices = way == CudaFaceStageTests.Way.Vertices,
            Folded = way == CudaFaceStageTests.Way.Folded,
        };
        _cpu = FaceStage.Create(rigs, options);
        bool emulated = EmulatedDriver.Architectures.Contains(device);
        Cuda = FaceStage.Create(rigs, options with
        {
            Device = emulated ? $"cuda:{EmulatedDriver.DeviceOf(device)}" : device,
            CudaDriver = emulated ? EmulatedDriver.Find : null,
        });
    }

    public FaceStage Cuda { get; }

    /// <summary>A character on the GPU.</summary>
    public FaceCharacter this[int character] => _characters[character].Cuda;

    public IEnumerable<FaceCharacter> Both(int character) => [_characters[character].Cpu, _characters[character].Cuda];

    public void Add(int rig, AnimatorParameters parameters)
    {
        FaceCharacter cuda = Cuda.Add(_rigs[rig], parameters, Golden.Solver("skin"), Golden.Solver("tongue"));
        _characters.Add((_cpu.Add(_rigs[rig], parameters, Golden.Solver("skin"), Golden.Solver("tongue")), cuda));
    }

    public void Remove(int character)
    {
        _cpu.Remove(_characters[character].Cpu);
        Cuda.Remove(_characters[character].Cuda);
    }

    public FaceFrames AnimateCuda(int[] characters, float[][] rows)
    {
        FaceFrames frames = Cuda.CreateFrames(characters.Length);
        Cuda.Animate([.. characters.Select(i => _characters[i].Cuda)], [.. rows.SelectMany(row => row)], frames);
        return frames;
    }

    /// <summary>A frame of each character on both; fails where they differ.</summary>
    public void Animate(int[] characters, float[][] rows)
    {
        FaceFrames expected = _cpu.CreateFrames(characters.Length);
        _cpu.Animate([.. characters.Select(i => _characters[i].Cpu)], [.. rows.SelectMany(row => row)], expected);
        FaceFixture.AssertClose(expected, AnimateCuda(characters, rows), $"call {_calls++} on {Cuda.Device}");
    }

    public void Dispose()
    {
        _cpu.Dispose();
        Cuda.Dispose();
    }
}
