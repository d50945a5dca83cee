using A2F.Engine.Weights;

namespace A2F.Engine.Animation;

/// <summary>A blendshape set as the solver sees it: its frontal vertices only, and the products of poses with poses. Shared between tracks.</summary>
internal sealed class BlendshapeBasis
{
    private readonly float[] _deltas;

    /// <param name="set">The blendshapes.</param>
    /// <param name="vertexCount">Vertices of the geometry that they will be fitted to.</param>
    /// <param name="what">"skin" or "tongue", for messages.</param>
    /// <exception cref="A2FException">Sizes do not agree, a mask index is out of range, or a value is not finite.</exception>
    public BlendshapeBasis(BlendshapeSet set, int vertexCount, string what)
    {
        PoseNames = set.PoseNames;
        PoseCount = set.PoseNames.Count;
        int length = checked(3 * vertexCount);
        if (set.Neutral.Length != length || set.Deltas.Length != (long)length * PoseCount)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"{what} blendshapes: {PoseCount} poses over {vertexCount} vertices need {length} neutral and {(long)length * PoseCount} delta " +
                $"values, found {set.Neutral.Length} and {set.Deltas.Length}");
        }
        Finite.Check(set.Neutral.Span, $"{what} blendshapes, neutral");
        Finite.Check(set.Deltas.Span, $"{what} blendshapes, deltas");
        Vertices = ToVertices(set.FrontalMask, vertexCount, what);
        RowCount = checked(3 * Vertices.Length);
        BoundingBoxDiagonal = Diagonal(set.Neutral.Span);
        Neutral = new float[RowCount];
        Gather(set.Neutral.Span, Neutral);
        _deltas = new float[checked((long)RowCount * PoseCount)];
        for (int pose = 0; pose < PoseCount; pose++) Gather(set.Deltas.Span.Slice(pose * length, length), _deltas.AsSpan(pose * RowCount, RowCount));
        Products = MultiplyPoses();
    }

    public IReadOnlyList<string> PoseNames { get; }

    public int PoseCount { get; }

    /// <summary>Vertices that the fit looks at.</summary>
    public int[] Vertices { get; }

    /// <summary>Coordinates that the fit looks at: 3 per vertex.</summary>
    public int RowCount { get; }

    /// <summary>Neutral coordinates of those vertices.</summary>
    public float[] Neutral { get; }

    /// <summary>Diagonal of the box round the whole neutral shape.</summary>
    public double BoundingBoxDiagonal { get; }

    /// <summary>[poses, poses]: D'D.</summary>
    public double[] Products { get; }

    /// <summary>Displacements of one pose at those vertices.</summary>
    public ReadOnlySpan<float> Delta(int pose) => _deltas.AsSpan(pose * RowCount, RowCount);

    /// <summary>Picks the fitted vertices' coordinates out of a whole shape.</summary>
    public void Gather(ReadOnlySpan<float> shape, Span<float> rows)
    {
        for (int i = 0; i < Vertices.Length; i++) shape.Slice(3 * Vertices[i], 3).CopyTo(rows[(3 * i)..]);
    }

    private static int[] ToVertices(IReadOnlyList<int>? mask, int vertexCount, string what)
    {
        int[] vertices = new int[mask?.Count ?? vertexCount];
        for (int i = 0; i < vertices.Length; i++)
        {
            int vertex = mask is null ? i : mask[i];
            if (vertex < 0 || vertex >= vertexCount)
            {
                throw new A2FException(A2FErrorCode.InvalidModel,
                    $"{what} blendshapes: frontalMask[{i}] is {vertex}, vertices are 0 to {vertexCount - 1}");
            }
            vertices[i] = vertex;
        }
        return vertices;
    }

    private static double Diagonal(ReadOnlySpan<float> points)
    {
        double sum = 0;
        for (int axis = 0; axis < 3; axis++)
        {
            float low = float.PositiveInfinity;
            float high = float.NegativeInfinity;
            for (int i = axis; i < points.Length; i += 3)
            {
                low = MathF.Min(low, points[i]);
                high = MathF.Max(high, points[i]);
            }
            if (high > low) sum += Math.Pow((double)high - low, 2);
        }
        return Math.Sqrt(sum);
    }

    private double[] MultiplyPoses()
    {
        double[] products = new double[PoseCount * PoseCount];
        double[] row = new double[RowCount];
        for (int i = 0; i < PoseCount; i++)
        {
            ReadOnlySpan<float> delta = Delta(i);
            for (int k = 0; k < row.Length; k++) row[k] = delta[k];
            for (int j = i; j < PoseCount; j++)
                products[i * PoseCount + j] = products[j * PoseCount + i] = DoubleMath.Dot(Delta(j), row);
        }
        return products;
    }
}
