using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Animation;

/// <summary>A face, its settings and rows of network output to animate it with.</summary>
internal sealed record RecordedFace(FaceRig Rig, AnimatorParameters Parameters, SolverParameters? Skin, SolverParameters? Tongue, float[] Rows)
{
    private const int MadeRows = 48;

    /// <summary>Faces whose networks put out coefficients.</summary>
    public static IReadOnlyList<string> WithCoefficients { get; } = ["golden", "default", "reg_tiny", "reg_autocorr", "reg_w2v2"];

    /// <summary>Frames.</summary>
    public int Count => Rows.Length / Rig.OutputLength;

    /// <summary>Row of one frame.</summary>
    public ReadOnlySpan<float> Row(int frame) => Rows.AsSpan(frame * Rig.OutputLength, Rig.OutputLength);

    /// <summary>
    /// "golden" with what its reference recorded, "default" with what weights/default makes of samples/hello.wav, or a fixture of a regression
    /// network with mixtures of its recorded rows.
    /// </summary>
    public static RecordedFace Of(string name) => name switch
    {
        "golden" => new(
            new FaceRig(Golden.RegressionGeometry(), Golden.Blendshapes("skin"), Golden.Blendshapes("tongue")),
            Golden.Parameters("model_regression/model_config.json"), Golden.Solver("skin"), Golden.Solver("tongue"), Golden.RegressionOutputs()),
        "default" => Spoken(),
        _ => Mixed(name),
    };

    /// <summary>An animator of it.</summary>
    public FaceAnimator Animator(bool vertices, bool folded = true) => new(
        Rig, 60, 1, Parameters, Skin, Tongue, vertices: vertices, folded: folded);

    private static RecordedFace Spoken()
    {
        using RegressionModel model = RegressionModel.Load(Path.Combine(TestData.Root, "weights", "default"), new ModelOptions { Device = "cpu" });
        AudioClip clip = AudioFile.Load(Path.Combine(TestData.Root, "samples", "hello.wav"));
        RegressionInfo info = model.Folder.Info;
        WindowProgress windows = WindowProgress.ForRegression(info.BufferLength, info.BufferOffset, info.SampleRate, 60, 1);
        int count = (int)windows.CountReportedFrames(clip.Samples.Length);
        float[] input = new float[count * model.InputLength], emotion = new float[count * model.EmotionLength], rows = new float[count * model.OutputLength];
        for (int i = 0; i < count; i++)
            AudioWindow.Read(clip.Samples.Span, 0, true, windows.WindowStart(i), 1, input.AsSpan(i * model.InputLength, model.InputLength));
        model.Infer(input, emotion, rows);
        return Of(model.Folder, rows);
    }

    private static RecordedFace Mixed(string fixture)
    {
        string path = TestData.Path($"fixtures/{fixture}");
        using RegressionModelFolder folder = RegressionModelFolder.Load(path);
        using NpzFile recorded = NpzFile.Open(Path.Combine(path, "io.npz"));
        float[] known = recorded.Read("b3.result").ToFloat32();
        int length = folder.Info.OutputLength;
        float[] rows = new float[MadeRows * length];
        for (int i = 0; i < rows.Length; i++)
        {
            (int frame, int column) = (i / length, i % length);
            for (int k = 0; k < 3; k++) rows[i] += MathF.Cos(0.3f * frame + 2 * k) * known[k * length + column];
        }
        return Of(folder, rows);
    }

    private static RecordedFace Of(RegressionModelFolder folder, float[] rows)
    {
        // The folder is closed before the face is used, so what the rig maps is copied.
        FaceGeometry g = folder.Geometry;
        FaceGeometry copy = new(
            g.SkinBasis.ToArray(), g.SkinNeutral.ToArray(), g.LipOpenDelta.ToArray(), g.EyeCloseDelta.ToArray(), g.TongueBasis.ToArray(),
            g.TongueNeutral.ToArray(), g.NeutralJaw.ToArray(), g.SaccadeRotations.ToArray());
        FaceRig rig = new(copy, folder.SkinBlendshapes, folder.TongueBlendshapes);
        return new(rig, folder.Parameters, folder.SkinSolver, folder.TongueSolver, rows);
    }
}
