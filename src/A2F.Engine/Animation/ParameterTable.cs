using System.Globalization;
using System.Text;
using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>One number of a record: its key in files and in <c>--set</c>, its range, and how to get and set it.</summary>
internal sealed record NumberParameter<T>(string Key, float Minimum, float Maximum, Func<T, float> Get, Func<T, float, T> With);

/// <summary>One array with an entry per pose: its key, the range of an entry, and how to get and set it.</summary>
internal sealed record PoseParameter(
    string Key, float Minimum, float Maximum, bool Whole, Func<SolverParameters, IReadOnlyList<float>> Get,
    Func<SolverParameters, float[], SolverParameters> With);

/// <summary>The one place that knows which key is which property and in which range, for files, <c>--set</c> and <c>a2f info</c>.</summary>
internal static class ParameterTable
{
    /// <summary>The one key of <see cref="Animator"/> that model files do not store.</summary>
    public const string BlinkOffset = "blink_offset";

    /// <summary>Key of the implicit emotion's shot.</summary>
    public const string SourceShot = "source_shot";

    /// <summary>Key of the frame within the shot.</summary>
    public const string SourceFrame = "source_frame";

    // Ids travel as float32, which holds these exactly.
    private const int MaxPairId = (1 << 24) - 1;

    /// <summary>Keys of model_config.json that hold numbers, and <see cref="BlinkOffset"/>.</summary>
    public static IReadOnlyList<NumberParameter<AnimatorParameters>> Animator { get; } =
    [
        new("input_strength", 0, 10, p => p.InputStrength, (p, v) => p with { InputStrength = v }),
        new("lower_face_smoothing", 0, 0.1f, p => p.LowerFaceSmoothing, (p, v) => p with { LowerFaceSmoothing = v }),
        new("upper_face_smoothing", 0, 0.1f, p => p.UpperFaceSmoothing, (p, v) => p with { UpperFaceSmoothing = v }),
        new("lower_face_strength", 0, 2, p => p.LowerFaceStrength, (p, v) => p with { LowerFaceStrength = v }),
        new("upper_face_strength", 0, 2, p => p.UpperFaceStrength, (p, v) => p with { UpperFaceStrength = v }),
        new("face_mask_level", 0, 1, p => p.FaceMaskLevel, (p, v) => p with { FaceMaskLevel = v }),
        new("face_mask_softness", 0.001f, 0.5f, p => p.FaceMaskSoftness, (p, v) => p with { FaceMaskSoftness = v }),
        new("skin_strength", 0, 2, p => p.SkinStrength, (p, v) => p with { SkinStrength = v }),
        new("blink_strength", 0, 2, p => p.BlinkStrength, (p, v) => p with { BlinkStrength = v }),
        new("eyelid_open_offset", -1, 1, p => p.EyelidOpenOffset, (p, v) => p with { EyelidOpenOffset = v }),
        new("lip_open_offset", -0.2f, 0.2f, p => p.LipOpenOffset, (p, v) => p with { LipOpenOffset = v }),
        new(BlinkOffset, 0, 1, p => p.BlinkOffset, (p, v) => p with { BlinkOffset = v }),
        new("tongue_strength", 0, 3, p => p.TongueStrength, (p, v) => p with { TongueStrength = v }),
        new("tongue_height_offset", -3, 3, p => p.TongueHeightOffset, (p, v) => p with { TongueHeightOffset = v }),
        new("tongue_depth_offset", -3, 3, p => p.TongueDepthOffset, (p, v) => p with { TongueDepthOffset = v }),
        new("lower_teeth_strength", 0, 2, p => p.LowerTeethStrength, (p, v) => p with { LowerTeethStrength = v }),
        new("lower_teeth_height_offset", -3, 3, p => p.LowerTeethHeightOffset, (p, v) => p with { LowerTeethHeightOffset = v }),
        new("lower_teeth_depth_offset", -3, 3, p => p.LowerTeethDepthOffset, (p, v) => p with { LowerTeethDepthOffset = v }),
        new("eyeballs_strength", 0, 2, p => p.EyeballsStrength, (p, v) => p with { EyeballsStrength = v }),
        new("saccade_strength", 0, 2, p => p.SaccadeStrength, (p, v) => p with { SaccadeStrength = v }),
        new("right_eye_rot_x_offset", -10, 10, p => p.RightEyeRotXOffset, (p, v) => p with { RightEyeRotXOffset = v }),
        new("right_eye_rot_y_offset", -10, 10, p => p.RightEyeRotYOffset, (p, v) => p with { RightEyeRotYOffset = v }),
        new("left_eye_rot_x_offset", -10, 10, p => p.LeftEyeRotXOffset, (p, v) => p with { LeftEyeRotXOffset = v }),
        new("left_eye_rot_y_offset", -10, 10, p => p.LeftEyeRotYOffset, (p, v) => p with { LeftEyeRotYOffset = v }),
        new("eye_saccade_seed", 0, 4999, p => p.EyeSaccadeSeed, (p, v) => p with { EyeSaccadeSeed = v }),
    ];

    /// <summary>Numbers of bs_*_config.json; those of <see cref="OptionalSolverKeys"/> may be absent there.</summary>
    public static IReadOnlyList<NumberParameter<SolverParameters>> Solver { get; } =
    [
        new("strengthL1regularization", 0, 100, p => p.L1Regularization, (p, v) => p with { L1Regularization = v }),
        new("strengthL2regularization", 0, 100, p => p.L2Regularization, (p, v) => p with { L2Regularization = v }),
        new("strengthSymmetry", 0, 10000, p => p.SymmetryStrength, (p, v) => p with { SymmetryStrength = v }),
        new("strengthTemporalSmoothing", 0, 100, p => p.TemporalSmoothing, (p, v) => p with { TemporalSmoothing = v }),
        new("templateBBSize", 1e-6f, 1e6f, p => p.TemplateBoundingBoxSize, (p, v) => p with { TemplateBoundingBoxSize = v }),
        new("tolerance", 0, 1, p => p.Tolerance, (p, v) => p with { Tolerance = v }),
    ];

    /// <summary>Solver keys that have a default where a file does not set them.</summary>
    public static IReadOnlyList<string> OptionalSolverKeys { get; } = ["templateBBSize", "tolerance"];

    /// <summary>Arrays of bs_*_config.json.</summary>
    public static IReadOnlyList<PoseParameter> Poses { get; } =
    [
        new("bsSolveActivePoses", 0, 1, true, p => [.. p.ActivePoses.Select(x => x ? 1f : 0f)],
            (p, v) => p with { ActivePoses = Array.ConvertAll(v, x => x != 0) }),
        new("bsSolveCancelPoses", -1, MaxPairId, true, p => [.. p.CancelPoses.Select(x => (float)x)],
            (p, v) => p with { CancelPoses = Array.ConvertAll(v, x => (int)x) }),
        new("bsSolveSymmetryPoses", -1, MaxPairId, true, p => [.. p.SymmetryPoses.Select(x => (float)x)],
            (p, v) => p with { SymmetryPoses = Array.ConvertAll(v, x => (int)x) }),
        new("bsWeightMultipliers", -1000, 1000, false, p => p.Multipliers, (p, v) => p with { Multipliers = v }),
        new("bsWeightOffsets", -1000, 1000, false, p => p.Offsets, (p, v) => p with { Offsets = v }),
    ];

    /// <summary>Sets an animator key from text; false when there is no such key.</summary>
    /// <exception cref="A2FException">The text is no number, or out of range.</exception>
    public static bool TrySet(ref AnimatorParameters parameters, string key, string text)
    {
        NumberParameter<AnimatorParameters>? number = Animator.FirstOrDefault(p => p.Key == key);
        if (number is null) return false;
        parameters = number.With(parameters, Number(key, text, number.Minimum, number.Maximum));
        return true;
    }

    /// <summary>
    /// Sets a solver key (without "skin." or "tongue.") from text; false when there is no such key. Arrays are written like
    /// [1, 0.5, 2]; brackets may be left out, and a single value fills the whole array. Messages put
    /// <paramref name="prefix"/> before the key.
    /// </summary>
    /// <exception cref="A2FException">The text is no number, out of range, or an array of the wrong length.</exception>
    public static bool TrySet(ref SolverParameters parameters, string key, string text, string prefix = "")
    {
        if (Solver.FirstOrDefault(p => p.Key == key) is { } number)
        {
            parameters = number.With(parameters, Number(prefix + key, text, number.Minimum, number.Maximum));
            return true;
        }
        if (Poses.FirstOrDefault(p => p.Key == key) is not { } poses) return false;
        parameters = poses.With(parameters, PoseValues(poses, prefix + key, text, parameters.ActivePoses.Count));
        return true;
    }

    /// <summary>A number of a key, within its range.</summary>
    public static float Number(string key, string text, float minimum, float maximum)
    {
        if (!float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value))
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{key}: expected a number, found '{text}'");
        if (!float.IsFinite(value)) throw new A2FException(A2FErrorCode.NotFinite, $"{key}: expected a finite number, found '{text}'");
        if (value < minimum || value > maximum)
            throw new A2FException(A2FErrorCode.OutOfRange, $"{key}: expected {minimum} to {maximum}, found {text}");
        return value;
    }

    private static float[] PoseValues(PoseParameter parameter, string key, string text, int count)
    {
        bool bracketed = text.StartsWith('[') && text.EndsWith(']');
        string[] parts = (bracketed ? text[1..^1] : text).Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 1 && !bracketed) Array.Fill(parts = new string[count], text);
        if (parts.Length != count)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{key}: expected {count} values, one per pose, found {parts.Length}");
        float[] values = Array.ConvertAll(parts, p => Number(key, p, parameter.Minimum, parameter.Maximum));
        if (parameter.Whole && Array.FindIndex(values, v => v != MathF.Floor(v)) is >= 0 and int bad)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"{key}: expected whole numbers, found {parts[bad]}");
        return values;
    }
}
