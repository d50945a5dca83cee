namespace A2F.Engine.Animation;

/// <summary>
/// Room for the animation of a number of frames, one array per kind of result, C order, frames outermost.
/// Arrays of what is not asked for, or what the face does not have, are empty.
/// </summary>
public sealed class FaceFrames
{
    /// <summary>Allocates room.</summary>
    /// <param name="rig">The face.</param>
    /// <param name="count">Number of frames. 0 or more.</param>
    /// <param name="vertices">Whether vertices are wanted.</param>
    /// <exception cref="A2FException">The count is negative, or one array would have more than 2^31 elements or than memory holds.</exception>
    public FaceFrames(FaceRig rig, int count, bool vertices)
    {
        if (count < 0) throw new A2FException(A2FErrorCode.OutOfRange, $"{count} frames are not possible");
        Count = count;
        HasVertices = vertices;
        SkinWeightCount = rig.SkinPoseNames.Count;
        TongueWeightCount = rig.TonguePoseNames.Count;
        SkinVertexCount = vertices ? rig.SkinVertexCount : 0;
        TongueVertexCount = vertices ? rig.TongueVertexCount : 0;
        SkinWeights = Allocate(count, SkinWeightCount);
        TongueWeights = Allocate(count, TongueWeightCount);
        Jaw = Allocate(count, 16);
        Eyes = Allocate(count, 6);
        SkinVertices = Allocate(count, 3L * SkinVertexCount);
        TongueVertices = Allocate(count, 3L * TongueVertexCount);
    }

    /// <summary>Number of frames.</summary>
    public int Count { get; }

    /// <summary>Whether there is room for vertices.</summary>
    public bool HasVertices { get; }

    /// <summary>Skin weights of a frame.</summary>
    public int SkinWeightCount { get; }

    /// <summary>Tongue weights of a frame.</summary>
    public int TongueWeightCount { get; }

    /// <summary>Skin vertices of a frame; 0 where they are not wanted.</summary>
    public int SkinVertexCount { get; }

    /// <summary>Tongue vertices of a frame; 0 where they are not wanted.</summary>
    public int TongueVertexCount { get; }

    /// <summary>[frame, pose]: blendshape weights of the skin.</summary>
    public float[] SkinWeights { get; }

    /// <summary>[frame, pose]: blendshape weights of the tongue.</summary>
    public float[] TongueWeights { get; }

    /// <summary>
    /// [frame, 4, 4]: rigid motion of the lower teeth, for column vectors: rotation in [:3, :3], translation (centimetres) in [:3, 3].
    /// The reference writes the transpose.
    /// </summary>
    public float[] Jaw { get; }

    /// <summary>[frame, 6]: right eye x, y, z, left eye x, y, z, in degrees.</summary>
    public float[] Eyes { get; }

    /// <summary>[frame, vertex, 3]: skin positions in centimetres.</summary>
    public float[] SkinVertices { get; }

    /// <summary>[frame, vertex, 3]: tongue positions in centimetres.</summary>
    public float[] TongueVertices { get; }

    /// <summary>Throws unless frames [<paramref name="firstFrame"/>, + <paramref name="count"/>) of a face fit.</summary>
    internal void CheckRoom(FaceRig rig, bool vertices, int firstFrame, int count)
    {
        if (firstFrame < 0 || firstFrame > Count - count)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"room for {Count} frames does not hold {count} from frame {firstFrame}");
        if (HasVertices != vertices || SkinWeightCount != rig.SkinPoseNames.Count || TongueWeightCount != rig.TonguePoseNames.Count ||
            (vertices && (SkinVertexCount != rig.SkinVertexCount || TongueVertexCount != rig.TongueVertexCount)))
        {
            throw new A2FException(A2FErrorCode.InvalidArgument, "the room for frames was made for another face, or differs in wanting vertices");
        }
    }

    /// <summary>Copies a frame of room of the same shape.</summary>
    internal void CopyFrom(int frame, FaceFrames source, int sourceFrame)
    {
        Copy(SkinWeights, source.SkinWeights, SkinWeightCount);
        Copy(TongueWeights, source.TongueWeights, TongueWeightCount);
        Copy(Jaw, source.Jaw, 16);
        Copy(Eyes, source.Eyes, 6);
        Copy(SkinVertices, source.SkinVertices, 3 * SkinVertexCount);
        Copy(TongueVertices, source.TongueVertices, 3 * TongueVertexCount);

        void Copy(float[] to, float[] from, int length) => Row(from, sourceFrame, length).CopyTo(Row(to, frame, length));
    }

    /// <summary>frame += (source frame - frame) * share, for all that there is; the jaw stays a rigid motion.</summary>
    internal void Mix(int frame, FaceFrames source, int sourceFrame, float share)
    {
        Blend(SkinWeights, source.SkinWeights, SkinWeightCount);
        Blend(TongueWeights, source.TongueWeights, TongueWeightCount);
        Blend(Jaw, source.Jaw, 16);
        Blend(Eyes, source.Eyes, 6);
        Blend(SkinVertices, source.SkinVertices, 3 * SkinVertexCount);
        Blend(TongueVertices, source.TongueVertices, 3 * TongueVertexCount);
        JawTransform.MakeRigid(Row(Jaw, frame, 16));

        void Blend(float[] to, float[] from, int length)
        {
            Span<float> a = Row(to, frame, length);
            ReadOnlySpan<float> b = Row(from, sourceFrame, length);
            for (int i = 0; i < length; i++) a[i] += (b[i] - a[i]) * share;
        }
    }

    internal static Span<float> Row(float[] values, int frame, int rowLength) => values.AsSpan(frame * rowLength, rowLength);

    private static float[] Allocate(int count, long rowLength)
    {
        long length = count * rowLength;
        try
        {
            return length <= Array.MaxLength
                ? new float[length]
                : throw new A2FException(A2FErrorCode.OutOfMemory, $"{count} frames of {rowLength} values are more than one array holds; ask for fewer");
        }
        catch (OutOfMemoryException e)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory, $"{count} frames of {rowLength} values do not fit in memory; ask for fewer", e);
        }
    }
}
