using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>
/// The skin vertices that an animator moves (all of them, or those the solver looks at), with everything constant about them.
/// Coordinates are x, y, z interleaved; arrays are padded with zeros to <see cref="PcaBasis.Padded"/>. Shared between tracks.
/// </summary>
internal sealed class SkinRegion
{
    private SkinRegion(int vertexCount)
    {
        VertexCount = vertexCount;
        PaddedLength = PcaBasis.Padded(3 * vertexCount);
        Neutral = new float[PaddedLength];
        LipOpen = new float[PaddedLength];
        EyeClose = new float[PaddedLength];
        Offset = new float[PaddedLength];
        Heights = new float[vertexCount];
    }

    public int VertexCount { get; }

    /// <summary>Length of all arrays but <see cref="Heights"/>.</summary>
    public int PaddedLength { get; }

    public float[] Neutral { get; }

    public float[] LipOpen { get; }

    public float[] EyeClose { get; }

    /// <summary>What the basis' displacement starts from.</summary>
    public float[] Offset { get; }

    /// <summary>Height of each vertex in the whole face: 0 at the lowest vertex, 1 at the highest.</summary>
    public float[] Heights { get; }

    /// <summary>Region of some vertices, or of all of them for null.</summary>
    public static SkinRegion Of(FaceGeometry geometry, ReadOnlyMemory<int>? vertices)
    {
        ReadOnlySpan<float> neutral = geometry.SkinNeutral.Span;
        int count = vertices?.Length ?? neutral.Length / 3;
        SkinRegion region = new(count);
        (float low, float high) = HeightRange(neutral);
        float extent = high - low;
        for (int i = 0; i < count; i++)
        {
            int v = 3 * (vertices is null ? i : vertices.Value.Span[i]);
            neutral.Slice(v, 3).CopyTo(region.Neutral.AsSpan(3 * i));
            geometry.LipOpenDelta.Span.Slice(v, 3).CopyTo(region.LipOpen.AsSpan(3 * i));
            geometry.EyeCloseDelta.Span.Slice(v, 3).CopyTo(region.EyeClose.AsSpan(3 * i));
            if (!geometry.SkinOffset.IsEmpty) geometry.SkinOffset.Span.Slice(v, 3).CopyTo(region.Offset.AsSpan(3 * i));
            region.Heights[i] = extent > 0f ? (neutral[v + 1] - low) / extent : 0f;
        }
        return region;
    }

    /// <summary>Weight of the lower face per coordinate, 1 at the chin, 0 at the forehead: 1 / (1 + exp((height - level) / softness)).</summary>
    public void FillMask(float level, float softness, Span<float> mask)
    {
        for (int v = 0; v < VertexCount; v++)
        {
            float distance = (level - Heights[v]) / softness;
            mask.Slice(3 * v, 3).Fill(1f / (1f + MathF.Exp(-distance)));
        }
    }

    private static (float Low, float High) HeightRange(ReadOnlySpan<float> neutral)
    {
        float low = float.PositiveInfinity;
        float high = float.NegativeInfinity;
        for (int i = 1; i < neutral.Length; i += 3)
        {
            low = MathF.Min(low, neutral[i]);
            high = MathF.Max(high, neutral[i]);
        }
        return (low, high);
    }
}
