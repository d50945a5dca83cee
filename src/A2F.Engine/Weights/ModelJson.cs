using System.Text.Json;
using A2F.Engine.Animation;

namespace A2F.Engine.Weights;

/// <summary>
/// network_info.json, model_config.json and bs_*_config.json of regression models. The packed manifest holds the same objects, so
/// each is read and written here, once.
/// </summary>
internal static class ModelJson
{
    public const int MaxShapes = 4096;
    public const int MaxVertices = 4_000_000;
    public const int MaxPoses = 4096;

    public const int MaxEmotions = 256;

    private const float EmotionLimit = 1000;

    /// <summary>The content of network_info.json.</summary>
    public static RegressionInfo ReadInfo(JsonItem root)
    {
        JsonItem id = root["id"], parameters = root["params"], audio = root["audio_params"];
        RequireText(id["type"], "regression");
        RequireText(id["output"], "geometry");
        string[] emotions = ReadNames(parameters["explicit_emotions"], MaxEmotions);
        int bufferLength = audio["buffer_len"].Int(1, 1_000_000);
        return new RegressionInfo(
            id["actor"].Text(),
            parameters["implicit_emotion_len"].Int(1, 4096),
            emotions,
            ReadDefaults(parameters["default_emotion"], emotions.Length),
            parameters["num_shapes_skin"].Int(1, MaxShapes),
            parameters["num_verts_skin"].Int(1, MaxVertices),
            parameters["num_shapes_tongue"].Int(1, MaxShapes),
            parameters["num_verts_tongue"].Int(1, MaxVertices),
            ReadJawSize(parameters["result_jaw_size"]),
            parameters["result_eyes_size"].Int(4, 4),
            bufferLength,
            audio["buffer_ofs"].Int(0, bufferLength),
            audio["samplerate"].Int(1000, 384_000));
    }

    /// <summary>Writes what <see cref="ReadInfo"/> reads, as the value of "info".</summary>
    public static void WriteInfo(Utf8JsonWriter writer, RegressionInfo info)
    {
        writer.WriteStartObject("info");
        writer.WriteStartObject("id");
        writer.WriteString("type", "regression");
        writer.WriteString("output", "geometry");
        writer.WriteString("actor", info.Actor);
        writer.WriteEndObject();
        writer.WriteStartObject("params");
        writer.WriteNumber("implicit_emotion_len", info.ImplicitEmotionLength);
        WriteTexts(writer, "explicit_emotions", info.Emotions);
        WriteNumbers(writer, "default_emotion", info.DefaultEmotion);
        writer.WriteNumber("num_shapes_skin", info.SkinShapes);
        writer.WriteNumber("num_verts_skin", info.SkinVertices);
        writer.WriteNumber("num_shapes_tongue", info.TongueShapes);
        writer.WriteNumber("num_verts_tongue", info.TongueVertices);
        writer.WriteNumber("result_jaw_size", info.JawSize);
        writer.WriteNumber("result_eyes_size", info.EyesSize);
        writer.WriteEndObject();
        writer.WriteStartObject("audio_params");
        writer.WriteNumber("buffer_len", info.BufferLength);
        writer.WriteNumber("buffer_ofs", info.BufferOffset);
        writer.WriteNumber("samplerate", info.SampleRate);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>The object "config" of model_config.json; all keys but blink_offset are required.</summary>
    public static AnimationSettings ReadSettings(JsonItem config) => new(
        ReadAnimator(config), null, null, config[ParameterTable.SourceShot].Text(),
        config[ParameterTable.SourceFrame].Int(0, int.MaxValue));

    /// <summary>The numbers of the object "config"; that of a diffusion model has no others.</summary>
    public static AnimatorParameters ReadAnimator(JsonItem config)
    {
        AnimatorParameters animator = new();
        foreach (NumberParameter<AnimatorParameters> parameter in ParameterTable.Animator)
        {
            JsonItem? value = parameter.Key == ParameterTable.BlinkOffset ? config.Find(parameter.Key) : config[parameter.Key];
            if (value is not null) animator = parameter.With(animator, value.Value.Float(parameter.Minimum, parameter.Maximum));
        }
        return animator;
    }

    /// <summary>Writes what <see cref="ReadSettings"/> reads, as the value of "config".</summary>
    public static void WriteSettings(Utf8JsonWriter writer, AnimationSettings settings)
    {
        writer.WriteStartObject("config");
        WriteAnimator(writer, settings.Animator);
        writer.WriteString(ParameterTable.SourceShot, settings.SourceShot);
        writer.WriteNumber(ParameterTable.SourceFrame, settings.SourceFrame);
        writer.WriteEndObject();
    }

    /// <summary>Writes the numbers that <see cref="ReadAnimator"/> reads.</summary>
    public static void WriteAnimator(Utf8JsonWriter writer, AnimatorParameters animator)
    {
        foreach (NumberParameter<AnimatorParameters> parameter in ParameterTable.Animator)
            writer.WriteNumber(parameter.Key, parameter.Get(animator));
    }

    /// <summary>1 to <paramref name="maximum"/> different names.</summary>
    public static string[] ReadNames(JsonItem node, int maximum)
    {
        string[] names = [.. node.Items().Select(e => e.Text())];
        return names.Length > 0 && names.Length <= maximum && names.Distinct(StringComparer.Ordinal).Count() == names.Length
            ? names
            : throw node.Wrong($"1 to {maximum} different names");
    }

    /// <summary>One default value an emotion.</summary>
    public static float[] ReadDefaults(JsonItem node, int emotions) =>
        [.. node.Items(emotions, "one per explicit emotion").Select(e => e.Float(-EmotionLimit, EmotionLimit))];

    /// <summary>The object "blendshape_params" of bs_*_config.json, for a set of <paramref name="poses"/> poses.</summary>
    public static SolverParameters ReadSolver(JsonItem node, int poses)
    {
        JsonItem count = node["numPoses"];
        int found = count.Int(1, MaxPoses);
        if (found != poses)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{count.File}: key '{count.Key}': expected {poses} (the poses of the blendshape data), found {found}");
        }
        SolverParameters solver = new() { ActivePoses = [], CancelPoses = [], SymmetryPoses = [], Multipliers = [], Offsets = [] };
        foreach (NumberParameter<SolverParameters> parameter in ParameterTable.Solver)
        {
            JsonItem? value = ParameterTable.OptionalSolverKeys.Contains(parameter.Key) ? node.Find(parameter.Key) : node[parameter.Key];
            if (value is not null) solver = parameter.With(solver, value.Value.Float(parameter.Minimum, parameter.Maximum));
        }
        foreach (PoseParameter parameter in ParameterTable.Poses)
        {
            IEnumerable<JsonItem> values = node[parameter.Key].Items(poses, "one per pose");
            solver = parameter.With(solver, [.. values.Select(v => parameter.Whole
                ? v.Int((int)parameter.Minimum, (int)parameter.Maximum)
                : v.Float(parameter.Minimum, parameter.Maximum))]);
        }
        return solver;
    }

    /// <summary>Writes what <see cref="ReadSolver"/> reads, as the value of "blendshape_params".</summary>
    public static void WriteSolver(Utf8JsonWriter writer, SolverParameters solver)
    {
        writer.WriteStartObject("blendshape_params");
        writer.WriteNumber("numPoses", solver.ActivePoses.Count);
        foreach (NumberParameter<SolverParameters> parameter in ParameterTable.Solver)
            writer.WriteNumber(parameter.Key, parameter.Get(solver));
        foreach (PoseParameter parameter in ParameterTable.Poses) WriteNumbers(writer, parameter.Key, parameter.Get(solver));
        writer.WriteEndObject();
    }

    /// <summary>Writes an array of texts.</summary>
    public static void WriteTexts(Utf8JsonWriter writer, string key, IEnumerable<string> values)
    {
        writer.WriteStartArray(key);
        foreach (string value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }

    /// <summary>Writes an array of numbers.</summary>
    public static void WriteNumbers(Utf8JsonWriter writer, string key, IEnumerable<float> values)
    {
        writer.WriteStartArray(key);
        foreach (float value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }

    /// <summary>3 for each jaw point.</summary>
    public static int ReadJawSize(JsonItem node)
    {
        int size = node.Int(9, 3 * 1024);
        return size % 3 == 0 ? size : throw node.Wrong("3 for each of at least 3 points");
    }

    /// <summary>A text that is one and no other.</summary>
    public static void RequireText(JsonItem node, string expected)
    {
        string found = node.Text();
        if (found != expected)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{node.File}: key '{node.Key}': expected '{expected}', found '{found}'");
    }
}
