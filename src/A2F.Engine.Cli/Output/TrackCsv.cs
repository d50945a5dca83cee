using System.Globalization;
using System.Text;
using A2F.Engine.Cli.Arguments;
using A2F.Engine.Runtime;

namespace A2F.Engine.Cli.Output;

/// <summary>An animation as CSV: a header, then one row a frame. Numbers are the shortest that read back as the same float32.</summary>
internal static class TrackCsv
{
    private static readonly string[] Eyes = ["right_x", "right_y", "right_z", "left_x", "left_y", "left_z"];

    /// <summary>Names of the columns.</summary>
    public static IEnumerable<string> Columns(FaceTrack track, TrackControls? controls = null) =>
    [
        "frame", "time", .. controls?.Names ?? [.. track.Rig.SkinPoseNames, .. track.Rig.TonguePoseNames],
        .. Enumerable.Range(0, 16).Select(i => $"jaw_{i / 4}{i % 4}"), .. Eyes.Select(e => $"eye_{e}"),
    ];

    /// <summary>Writes the whole animation, with controls in the place of weights where there are some.</summary>
    public static void Write(Stream stream, FaceTrack track, TrackControls? controls, CancellationToken cancel)
    {
        using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(string.Join(',', Columns(track, controls).Select(Quoted)));
        for (int frame = 0; frame < track.Frames.Count; frame++)
        {
            cancel.ThrowIfCancellationRequested();
            writer.Write(frame.ToString(CultureInfo.InvariantCulture));
            writer.Write(',');
            writer.Write(FrameRate.TimeOf(track, frame).ToString("F6", CultureInfo.InvariantCulture));
            if (controls is not null) WriteRow(writer, controls.Values, frame, controls.Count);
            else
            {
                WriteRow(writer, track.Frames.SkinWeights, frame, track.Frames.SkinWeightCount);
                WriteRow(writer, track.Frames.TongueWeights, frame, track.Frames.TongueWeightCount);
            }
            WriteRow(writer, track.Frames.Jaw, frame, 16);
            WriteRow(writer, track.Frames.Eyes, frame, 6);
            writer.WriteLine();
        }
    }

    private static void WriteRow(StreamWriter writer, float[] values, int frame, int length)
    {
        Span<char> text = stackalloc char[32];
        foreach (float value in values.AsSpan(frame * length, length))
        {
            writer.Write(',');
            value.TryFormat(text, out int count, default, CultureInfo.InvariantCulture);
            writer.Write(text[..count]);
        }
    }

    private static string Quoted(string name) =>
        name.AsSpan().IndexOfAny(",\"\r\n") < 0 ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
