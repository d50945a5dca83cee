using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Output;

/// <summary>Frames as named arrays of an npz file, without copies.</summary>
internal static class FaceArrays
{
    /// <summary>What there is of vertices, jaw, eyes and weights.</summary>
    public static List<KeyValuePair<string, NdArray>> Of(FaceFrames frames)
    {
        List<KeyValuePair<string, NdArray>> arrays = WithoutWeights(frames);
        if (frames.SkinWeightCount > 0) arrays.Add(new("skin_weights", NdArray.Of(frames.SkinWeights, frames.Count, frames.SkinWeightCount)));
        if (frames.TongueWeightCount > 0)
            arrays.Add(new("tongue_weights", NdArray.Of(frames.TongueWeights, frames.Count, frames.TongueWeightCount)));
        return arrays;
    }

    private static List<KeyValuePair<string, NdArray>> WithoutWeights(FaceFrames frames)
    {
        int count = frames.Count;
        List<KeyValuePair<string, NdArray>> arrays = [];
        if (frames.HasVertices)
        {
            arrays.Add(new("skin_vertices", NdArray.Of(frames.SkinVertices, count, frames.SkinVertexCount, 3)));
            arrays.Add(new("tongue_vertices", NdArray.Of(frames.TongueVertices, count, frames.TongueVertexCount, 3)));
        }
        arrays.Add(new("jaw_transform", NdArray.Of(frames.Jaw, count, 4, 4)));
        arrays.Add(new("eyes_rotation", NdArray.Of(frames.Eyes, count, 6)));
        return arrays;
    }

    /// <summary>The frames, when they are, and what the weights are called; controls take the place of weights where there are some.</summary>
    public static List<KeyValuePair<string, NdArray>> Of(FaceTrack track, TrackControls? controls = null)
    {
        List<KeyValuePair<string, NdArray>> arrays = controls is null ? Of(track.Frames) : WithoutWeights(track.Frames);
        double[] time = new double[track.Frames.Count];
        double start = time.Length == 0 ? 0 : (double)track.Timestamps[0] / AudioClip.SampleRate;
        for (int frame = 0; frame < time.Length; frame++) time[frame] = start + (double)frame * track.FramesDenominator / track.FramesNumerator;
        arrays.Add(new("time", NdArray.Of(time, time.Length)));
        arrays.Add(new("fps", NdArray.Of(new long[] { track.FramesNumerator, track.FramesDenominator }, 2)));
        if (controls is not null)
        {
            arrays.Add(new("controls", NdArray.Of(controls.Values, track.Frames.Count, controls.Count)));
            arrays.Add(Names("control_names", controls.Names));
            return arrays;
        }
        if (track.Frames.SkinWeightCount > 0) arrays.Add(Names("skin_names", track.Rig.SkinPoseNames));
        if (track.Frames.TongueWeightCount > 0) arrays.Add(Names("tongue_names", track.Rig.TonguePoseNames));
        return arrays;
    }

    private static KeyValuePair<string, NdArray> Names(string key, IReadOnlyList<string> names) =>
        new(key, NdArray.Of(names.ToArray(), names.Count));
}
