namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// A tile size of the strided GEMM, and the kernels that it stands for; the largest has none for inputs that are not aligned, which would
/// need more registers than there are.
/// </summary>
internal sealed record GemmTile(int Rows, int Columns, int Threads, KernelSpec Aligned, KernelSpec? Unaligned)
{
    private const int LargestUnaligned = 64;

    /// <summary>Tiles of gemm_f16.cu, largest first.</summary>
    internal static readonly GemmTile[] Float16 = [Half(128, 128, 2, 4), Half(64, 64, 2, 2), Half(32, 32, 2, 2)];

    /// <summary>Tiles of gemm_f32.cu, largest first.</summary>
    internal static readonly GemmTile[] Float32 = [Single(128, 128, 16, 16), Single(64, 64, 8, 16), Single(32, 32, 8, 8)];

    /// <summary>
    /// The largest tile that gives every multiprocessor something to do, else the smallest. It decides about speed only: sums are formed in
    /// the same order in all of them.
    /// </summary>
    internal static GemmTile Choose(GemmTile[] tiles, bool aligned, int rows, int columns, int repetitions, int multiprocessors)
    {
        foreach (GemmTile tile in tiles)
        {
            if (!aligned && tile.Unaligned is null) continue;
            bool wasteful = tile.Rows >= 2 * rows || tile.Columns >= 2 * columns;
            if (!wasteful && (long)tile.Blocks(rows, columns) * repetitions >= multiprocessors) return tile;
        }
        return tiles[^1];
    }

    /// <summary>Tiles that cover [rows, columns].</summary>
    internal int Blocks(int rows, int columns) => (rows + Rows - 1) / Rows * ((columns + Columns - 1) / Columns);

    private static GemmTile Half(int rows, int columns, int warpsDown, int warpsAcross) =>
        Of("gemm_f16", rows, columns, 32 * warpsDown * warpsAcross, $"WARPS_M={warpsDown} WARPS_N={warpsAcross}");

    private static GemmTile Single(int rows, int columns, int threadsDown, int threadsAcross) =>
        Of("gemm_f32", rows, columns, threadsDown * threadsAcross, $"THREADS_M={threadsDown} THREADS_N={threadsAcross}");

    private static GemmTile Of(string function, int rows, int columns, int threads, string layout)
    {
        return new GemmTile(rows, columns, threads, Spec(1), rows > LargestUnaligned ? null : Spec(0));

        KernelSpec Spec(int aligned) => new(function + ".cu", function, $"ALIGNED={aligned} BM={rows} BN={columns} {layout}");
    }
}
