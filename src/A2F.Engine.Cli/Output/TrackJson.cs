using System.Text.Json;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Output;

/// <summary>An animation as one JSON object; docs/cli.md describes it.</summary>
internal static class TrackJson
{
    /// <summary>
    /// Writes the whole animation, without ever holding it as text; with controls in the place of weights where there are some.
    /// </summary>
    public static void Write(Stream stream, FaceTrack track, TrackControls? controls, CancellationToken cancel)
    {
        using Utf8JsonWriter json = new(stream);
        FrameRate rate = new(track.FramesNumerator, track.FramesDenominator);
        json.WriteStartObject();
        json.WriteString("format", "a2f-animation");
        json.WriteNumber("version", 1);
        json.WriteStartArray("fps");
        json.WriteNumberValue(rate.Numerator);
        json.WriteNumberValue(rate.Denominator);
        json.WriteEndArray();
        if (controls is not null) WriteNames(json, "control_names", controls.Names);
        else
        {
            WriteNames(json, "skin_names", track.Rig.SkinPoseNames);
            WriteNames(json, "tongue_names", track.Rig.TonguePoseNames);
        }
        json.WriteStartArray("frames");
        for (int frame = 0; frame < track.Frames.Count; frame++)
        {
            cancel.ThrowIfCancellationRequested();
            WriteFrame(json, track, controls, frame);
            json.Flush();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteFrame(Utf8JsonWriter json, FaceTrack track, TrackControls? controls, int frame)
    {
        json.WriteStartObject();
        json.WriteNumber("frame", frame);
        json.WriteNumber("time", decimal.Round(FrameRate.TimeOf(track, frame), 6));
        if (controls is not null) WriteValues(json, "controls", controls.Values, frame, controls.Count);
        else
        {
            WriteValues(json, "skin_weights", track.Frames.SkinWeights, frame, track.Frames.SkinWeightCount);
            WriteValues(json, "tongue_weights", track.Frames.TongueWeights, frame, track.Frames.TongueWeightCount);
        }
        json.WriteStartArray("jaw_transform");
        for (int row = 0; row < 4; row++) WriteArray(json, track.Frames.Jaw.AsSpan(frame * 16 + row * 4, 4));
        json.WriteEndArray();
        WriteValues(json, "eyes_rotation", track.Frames.Eyes, frame, 6);
        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, string key, IReadOnlyList<string> names)
    {
        json.WriteStartArray(key);
        foreach (string name in names) json.WriteStringValue(name);
        json.WriteEndArray();
    }

    private static void WriteValues(Utf8JsonWriter json, string key, float[] values, int frame, int length)
    {
        json.WritePropertyName(key);
        WriteArray(json, values.AsSpan(frame * length, length));
    }

    private static void WriteArray(Utf8JsonWriter json, ReadOnlySpan<float> values)
    {
        json.WriteStartArray();
        foreach (float value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }
}
