using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>
/// One frame of a <see cref="Character"/>, or room for one: made by <see cref="CharacterGroup.CreateFrame"/>, filled by
/// <see cref="Character.TryRead"/> and <see cref="Character.Sample"/> as often as wanted.
/// </summary>
public sealed class CharacterFrame
{
    internal CharacterFrame(FaceFrames room) => Room = room;

    /// <summary>Number of the frame in the character's track, from 0; of a sampled one, that of the frame before it.</summary>
    public long Sequence { get; internal set; }

    /// <summary>Sample at 16 kHz that the frame belongs to; of a sampled one, the time that was asked for, rounded down.</summary>
    public long Timestamp { get; internal set; }

    /// <summary>From the push that brought the frame's last audio to the moment when the frame could be read; of a sampled one, of the frame before it.</summary>
    public TimeSpan Latency { get; internal set; }

    /// <summary>One weight per skin blendshape.</summary>
    public ReadOnlySpan<float> SkinWeights => Room.SkinWeights;

    /// <summary>One weight per tongue blendshape.</summary>
    public ReadOnlySpan<float> TongueWeights => Room.TongueWeights;

    /// <summary>[4, 4]: rigid motion of the lower teeth; see <see cref="FaceFrames.Jaw"/>.</summary>
    public ReadOnlySpan<float> Jaw => Room.Jaw;

    /// <summary>[6]: right eye x, y, z, left eye x, y, z, in degrees.</summary>
    public ReadOnlySpan<float> Eyes => Room.Eyes;

    /// <summary>[vertex, 3]: skin positions in centimetres; empty where vertices are not wanted.</summary>
    public ReadOnlySpan<float> SkinVertices => Room.SkinVertices;

    /// <summary>[vertex, 3]: tongue positions in centimetres; empty where vertices are not wanted.</summary>
    public ReadOnlySpan<float> TongueVertices => Room.TongueVertices;

    /// <summary>
    /// Device address of [vertex, 3] float32 skin positions in centimetres, with <see cref="CharacterGroupOptions.DeviceVertices"/>; else 0. Complete
    /// when the frame can be read, and untouched until <see cref="CharacterGroupOptions.FrameRoom"/> later frames of the character can be read, or it
    /// is reset or removed. Of a sampled frame, that of the frame before.
    /// </summary>
    public ulong DeviceSkinVertices { get; internal set; }

    /// <summary>As <see cref="DeviceSkinVertices"/>, of the tongue.</summary>
    public ulong DeviceTongueVertices { get; internal set; }

    internal FaceFrames Room { get; }
}
