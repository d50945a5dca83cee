using System.Text.Json;
using A2F.Engine.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

/// <summary>The recorded stages of the reference (tests/data/golden/README.md) and the model that they were recorded with.</summary>
internal sealed class Golden
{
    public const int Frames = 60;
    private static readonly Dictionary<string, Golden> Files = [];
    private readonly Dictionary<string, NdArray> _arrays = [];

    private Golden(string name)
    {
        using NpzFile file = NpzFile.Open(TestData.Path($"golden/{name}"));
        foreach (string array in file.Names) _arrays.Add(array, file.Read(array));
    }

    public static Golden File(string name)
    {
        lock (Files)
        {
            if (!Files.TryGetValue(name, out Golden? file)) Files.Add(name, file = new Golden(name));
            return file;
        }
    }

    public float[] Floats(string name) => _arrays[name].ToFloat32();

    public long[] Longs(string name) => _arrays[name].Type == ElementType.Int64
        ? _arrays[name].Data<long>()
        : Array.ConvertAll(_arrays[name].Data<int>(), x => (long)x);

    public int[] Ints(string name) => Array.ConvertAll(Longs(name), x => (int)x);

    public string[] Texts(string name) => _arrays[name].Data<string>();

    public bool Has(string name) => _arrays.ContainsKey(name);

    /// <summary>Row <paramref name="index"/> of the array's outermost dimension.</summary>
    public float[] Row(string name, int index)
    {
        int length = _arrays[name].Length / _arrays[name].Shape[0];
        return Floats(name).AsSpan(index * length, length).ToArray();
    }

    public static FaceGeometry RegressionGeometry()
    {
        Golden m = File("model_regression/model_data.npz");
        return new FaceGeometry(
            m.Floats("shapes_matrix_skin"), m.Floats("shapes_mean_skin"), m.Floats("lip_open_pose_delta"), m.Floats("eye_close_pose_delta"),
            m.Floats("shapes_matrix_tongue"), m.Floats("shapes_mean_tongue"), m.Floats("neutral_jaw"), m.Floats("saccade_rot_matrix"));
    }

    public static FaceGeometry DiffusionGeometry()
    {
        Golden m = File("model_diffusion/model_data_Claire.npz");
        return new FaceGeometry(
            default, m.Floats("neutral_skin"), m.Floats("lip_open_pose_delta"), m.Floats("eye_close_pose_delta"),
            default, m.Floats("neutral_tongue"), m.Floats("neutral_jaw"), m.Floats("saccade_rot_matrix"));
    }

    public static ImplicitEmotionDatabase ImplicitEmotions()
    {
        Golden m = File("model_regression/implicit_emo_db.npz");
        return new ImplicitEmotionDatabase(16, m.Floats("emo_db"), m.Texts("emo_spec_names"), m.Ints("emo_spec_start"), m.Ints("emo_spec_size"));
    }

    public static BlendshapeSet Blendshapes(string part)
    {
        Golden m = File($"model_regression/bs_{part}.npz");
        string[] poses = m.Texts("poseNames")[1..];
        return new BlendshapeSet(poses, m.Floats("neutral"), poses.SelectMany(m.Floats).ToArray(), m.Has("frontalMask") ? m.Ints("frontalMask") : null);
    }

    public static SolverParameters Solver(string part)
    {
        using JsonDocument json = Json($"model_regression/bs_{part}_config.json");
        JsonElement p = json.RootElement.GetProperty("blendshape_params");
        return new SolverParameters
        {
            L1Regularization = p.GetProperty("strengthL1regularization").GetSingle(),
            L2Regularization = p.GetProperty("strengthL2regularization").GetSingle(),
            SymmetryStrength = p.GetProperty("strengthSymmetry").GetSingle(),
            TemporalSmoothing = p.GetProperty("strengthTemporalSmoothing").GetSingle(),
            TemplateBoundingBoxSize = p.TryGetProperty("templateBBSize", out JsonElement size) ? size.GetSingle() : 54.7f,
            ActivePoses = Integers("bsSolveActivePoses").Select(x => x != 0).ToArray(),
            CancelPoses = Integers("bsSolveCancelPoses"),
            SymmetryPoses = Integers("bsSolveSymmetryPoses"),
            Multipliers = Singles("bsWeightMultipliers"),
            Offsets = Singles("bsWeightOffsets"),
        };

        int[] Integers(string key) => [.. p.GetProperty(key).EnumerateArray().Select(x => x.GetInt32())];
        float[] Singles(string key) => [.. p.GetProperty(key).EnumerateArray().Select(x => x.GetSingle())];
    }

    public static AnimatorParameters Parameters(string relative)
    {
        using JsonDocument json = Json(relative);
        JsonElement config = json.RootElement.GetProperty("config");
        float Value(string key) => config.GetProperty(key).GetSingle();
        return new AnimatorParameters
        {
            InputStrength = Value("input_strength"),
            LowerFaceSmoothing = Value("lower_face_smoothing"),
            UpperFaceSmoothing = Value("upper_face_smoothing"),
            LowerFaceStrength = Value("lower_face_strength"),
            UpperFaceStrength = Value("upper_face_strength"),
            FaceMaskLevel = Value("face_mask_level"),
            FaceMaskSoftness = Value("face_mask_softness"),
            SkinStrength = Value("skin_strength"),
            BlinkStrength = Value("blink_strength"),
            EyelidOpenOffset = Value("eyelid_open_offset"),
            LipOpenOffset = Value("lip_open_offset"),
            TongueStrength = Value("tongue_strength"),
            TongueHeightOffset = Value("tongue_height_offset"),
            TongueDepthOffset = Value("tongue_depth_offset"),
            LowerTeethStrength = Value("lower_teeth_strength"),
            LowerTeethHeightOffset = Value("lower_teeth_height_offset"),
            LowerTeethDepthOffset = Value("lower_teeth_depth_offset"),
            EyeballsStrength = Value("eyeballs_strength"),
            SaccadeStrength = Value("saccade_strength"),
            RightEyeRotXOffset = Value("right_eye_rot_x_offset"),
            RightEyeRotYOffset = Value("right_eye_rot_y_offset"),
            LeftEyeRotXOffset = Value("left_eye_rot_x_offset"),
            LeftEyeRotYOffset = Value("left_eye_rot_y_offset"),
            EyeSaccadeSeed = Value("eye_saccade_seed"),
        };
    }

    /// <summary>
    /// Rows of regression output: skin, tongue, jaw, eyes. The skin coefficients come from pca.npz: network_outputs.npz flags the same bytes as
    /// Fortran order, but the reference was fed them in C order, as pca.npz stores them.
    /// </summary>
    public static float[] RegressionOutputs() => [.. Enumerable.Range(0, Frames).SelectMany(i => (float[])
        [.. File("pca.npz").Row("skin_coef", i), .. NetworkRow("tongue_coef", i), .. NetworkRow("jaw", i), .. NetworkRow("eyes", i)])];

    /// <summary>Rows of diffusion output for 60 frames: displacements of pca.npz, jaw and eyes.</summary>
    public static float[] DiffusionOutputs() => [.. Enumerable.Range(0, Frames).SelectMany(i => (float[])
        [.. File("pca.npz").Row("skin_delta", i), .. File("pca.npz").Row("tongue_delta", i), .. NetworkRow("jaw", i), .. NetworkRow("eyes", i)])];

    /// <summary>Fails with the worst element when any differs by more than <paramref name="tolerance"/>.</summary>
    public static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int worst = -1;
        double difference = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double d = Math.Abs((double)expected[i] - actual[i]);
            if (d <= difference) continue;
            if (double.IsNaN(d)) d = double.PositiveInfinity;
            (worst, difference) = (i, d);
        }
        for (int i = 0; i < expected.Length; i++) Assert.False(float.IsNaN(actual[i]), $"{what}[{i}] is NaN");
        if (worst >= 0)
        {
            Assert.True(difference <= tolerance,
                $"{what}[{worst}]: expected {expected[worst]:R}, found {actual[worst]:R}, difference {difference:g3} > {tolerance:g3}");
        }
    }

    private static float[] NetworkRow(string name, int index) => File("network_outputs.npz").Row(name, index);

    private static JsonDocument Json(string relative) => JsonDocument.Parse(System.IO.File.ReadAllBytes(TestData.Path($"golden/{relative}")));
}
