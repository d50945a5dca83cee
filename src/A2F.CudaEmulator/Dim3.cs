namespace A2F.CudaEmulator;

/// <summary>Three extents or coordinates, x fastest.</summary>
/// <param name="X">Along x.</param>
/// <param name="Y">Along y.</param>
/// <param name="Z">Along z.</param>
public readonly record struct Dim3(int X, int Y = 1, int Z = 1)
{
    /// <summary>The number of elements.</summary>
    public long Count => (long)X * Y * Z;

    /// <summary>The coordinates of linear index <paramref name="index"/>.</summary>
    public Dim3 At(long index) => new((int)(index % X), (int)(index / X % Y), (int)(index / ((long)X * Y)));

    /// <inheritdoc/>
    public override string ToString() => $"({X},{Y},{Z})";
}
