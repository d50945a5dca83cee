using System.Collections.Concurrent;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
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

    /// <summary>A face of these sizes without any motion: to be planned, not to be animated.</summary>
    public static FaceRig Still(int vertices, int shapes, int fitted, int poses, int tongueVertices, int tongueShapes, int tonguePoses)
    {
        FaceGeometry geometry = new(
            new float[3 * vertices * shapes], new float[3 * vertices], new float[3 * vertices], new float[3 * vertices],
            new float[3 * tongueVertices * tongueShapes], new float[3 * tongueVertices], new float[15], new float[10000]);
        return new FaceRig(geometry, Set(vertices, poses, fitted), Set(tongueVertices, tonguePoses, tongueVertices));

        static BlendshapeSet Set(int vertices, int poses, int fitted) => new(
            [.. Enumerable.Range(0, poses).Select(i => $"pose {i}")], new float[3 * vertices], new float[3 * vertices * poses],
            [.. Enumerable.Range(0, fitted)]);
    }

    private static readonly ConcurrentDictionary<int, IReadOnlyList<KernelLaunch>> Known = new();

    /// <summary>A launch of each kernel of the stage: with and without vertices, full-size and with more poses than shared memory holds.</summary>
    public static IReadOnlyList<KernelLaunch> Launches(int architecture) => Known.GetOrAdd(architecture, sm =>
    {
        FaceRig full = Still(61520, 272, 10085, 52, 5602, 10, 16); // 300 MB: not to be kept
        FaceRig[] others = [Still(40, 3, 30, 100, 20, 2, 4), Still(40, 3, 30, 1024, 20, 2, 4)];
        return [.. Plan(sm, full, 8, true), .. Plan(sm, full, 8, false), .. others.SelectMany(rig => Plan(sm, rig, 2, false))];
    });

    /// <summary>The launches of a call.</summary>
    public static IReadOnlyList<KernelLaunch> Plan(int architecture, FaceRig rig, int count, bool vertices, bool folded = true)
    {
        CudaPlan plan = new(architecture, 100);
        new CudaFaceOperators(plan, [rig], count, vertices, folded).Animate(count, (count + FaceTile.Most - 1) / FaceTile.Most);
        return plan.Launches;
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
                case 0:
                    one.Parameters = p with { FaceMaskLevel = 0.45f, FaceMaskSoftness = 0.1f };
                    break;
                case 1:
                    one.Parameters = p with { LowerFaceSmoothing = 0.02f, UpperFaceSmoothing = 0.05f };
                    break;
                case 2:
                    one.Parameters = p with { SkinStrength = 1.4f, LowerFaceStrength = 0.7f, TongueStrength = 0.5f, BlinkOffset = 0.6f };
                    break;
                case 3:
                    float[] multipliers = [.. skin.Multipliers.Select((v, i) => v * (1 + 0.01f * i))];
                    one.SkinSolver = skin with { Multipliers = multipliers, Offsets = [.. skin.Offsets.Select(v => v + 0.1f)] };
                    break;
                case 4:
                    one.SkinSolver = skin with { ActivePoses = [.. skin.ActivePoses.Select((active, i) => active && i % 4 != 1)] };
                    break;
                case 5:
                    one.SkinSolver = skin with { TemporalSmoothing = 1.5f };
                    break;
                case 6:
                    one.SolveOptions = new SolveOptions { Objective = SolveObjective.Energy };
                    break;
                case 7:
                    one.SkinSolver = skin with { CancelPoses = [.. Enumerable.Range(0, 52).Select(i => i < 20 ? i / 2 : -1)] };
                    break;
                case 8:
                    one.SkinSolver = skin with { ActivePoses = [.. Enumerable.Repeat(true, 52)] };
                    one.Parameters = p with { UpperFaceSmoothing = 0 };
                    break;
                case 9:
                    one.SolveOptions = new SolveOptions { PairUnmarkedPoses = true };
                    break;
                case 10:
                    bool[] active = [.. tongue.ActivePoses.Select((active, i) => active && i != 3)];
                    one.TongueSolver = tongue with { ActivePoses = active, L2Regularization = 0.3f };
                    break;
                default:
                    one.Parameters = p with
                    {
                        LowerTeethStrength = 1.5f,
                        LowerTeethDepthOffset = 0.4f,
                        SaccadeStrength = 0.3f,
                        EyeSaccadeSeed = 1234.5f,
                        RightEyeRotXOffset = 2,
                    };
                    break;
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
            if (bad >= 0) Assert.Fail($"{what}, {name}[{bad}]: expected {a[at * length + bad]:R}, found {b[frame * length + bad]:R}");
        }
    }

    /// <summary>Fails unless frames agree as two devices should.</summary>
    public static void AssertClose(FaceFrames expected, FaceFrames actual, string what)
    {
        foreach ((string name, float[] a, float[] b) in Arrays(expected, actual))
        {
            bool vertices = name.EndsWith("vertices", StringComparison.Ordinal);
            double tolerance = vertices ? 1e-5 * a.Append(0).Max(MathF.Abs) : name == "eyes" ? 0 : 1e-5;
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
