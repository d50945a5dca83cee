using A2F.Engine.Animation;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>A caller's a2f_frame.</summary>
internal static unsafe class FrameTarget
{
    /// <summary>Throws unless the frames of a face fit.</summary>
    internal static void Check(FrameData* target, FaceRig rig, bool vertices)
    {
        Versioned.CheckTarget(target);
        CheckRoom("skin_weights", target->SkinWeights, target->SkinWeightCapacity, rig.SkinPoseNames.Count);
        CheckRoom("tongue_weights", target->TongueWeights, target->TongueWeightCapacity, rig.TonguePoseNames.Count);
        CheckVertices("skin_vertices", target->SkinVertices, target->SkinVertexCapacity, 3 * rig.SkinVertexCount, vertices);
        CheckVertices("tongue_vertices", target->TongueVertices, target->TongueVertexCapacity, 3 * rig.TongueVertexCount, vertices);
    }

    /// <summary>Fills it, as far as its version goes.</summary>
    internal static void Fill(FrameData* target, CharacterFrame frame, bool standsIn)
    {
        FrameData value = default;
        uint size = target->StructSize;
        Buffer.MemoryCopy(target, &value, sizeof(FrameData), Math.Min(size, (uint)sizeof(FrameData)));
        frame.Jaw.CopyTo(new Span<float>(value.Jaw, 16));
        frame.Eyes.CopyTo(new Span<float>(value.Eyes, 6));
        Copy(frame.SkinWeights, value.SkinWeights);
        Copy(frame.TongueWeights, value.TongueWeights);
        Copy(frame.SkinVertices, value.SkinVertices);
        Copy(frame.TongueVertices, value.TongueVertices);
        value.StandsIn = standsIn ? 1u : 0u;
        (value.Sequence, value.Timestamp, value.LatencySeconds) = (frame.Sequence, frame.Timestamp, frame.Latency.TotalSeconds);
        (value.DeviceSkinVertices, value.DeviceTongueVertices) = (frame.DeviceSkinVertices, frame.DeviceTongueVertices);
        Versioned.Write(target, value);
    }

    private static void CheckVertices(string what, float* array, uint capacity, int length, bool wanted)
    {
        if (array is not null && !wanted)
            throw new AbiException(A2FErrorCode.InvalidArgument, $"{what}: the group makes no vertices; set vertices in its options, or leave the array null");
        CheckRoom(what, array, capacity, length);
    }

    private static void CheckRoom(string what, float* array, uint capacity, int length)
    {
        if (array is not null && capacity < length)
            throw new AbiException(AbiCode.BufferTooSmall, $"{what}: a frame has {length} values, the array has room for {capacity}");
    }

    private static void Copy(ReadOnlySpan<float> from, float* to)
    {
        if (to is not null) from.CopyTo(new Span<float>(to, from.Length));
    }
}
