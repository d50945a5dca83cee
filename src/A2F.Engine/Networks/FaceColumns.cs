namespace A2F.Engine.Networks;

/// <summary>
/// Where the parts of a face lie beside each other in a row, each at a multiple of 8 columns: a GEMM that reads one of them then loads 16
/// bytes at a time in either precision. The columns between are zero.
/// </summary>
internal readonly record struct FaceColumns(FaceSizes Sizes)
{
    private const int Multiple = 8;

    internal int Tongue => Round(Sizes.Skin);

    internal int Jaw => Tongue + Round(Sizes.Tongue);

    internal int Eyes => Jaw + Round(Sizes.Jaw);

    /// <summary>First column behind them.</summary>
    internal int Total => Eyes + Round(Sizes.Eyes);

    /// <summary>First column of a part and its width; parts are numbered in the order skin, tongue, jaw, eyes.</summary>
    internal (int First, int Size) Part(int index) => index switch
    {
        0 => (0, Sizes.Skin),
        1 => (Tongue, Sizes.Tongue),
        2 => (Jaw, Sizes.Jaw),
        _ => (Eyes, Sizes.Eyes),
    };

    private static int Round(int size) => (size + Multiple - 1) / Multiple * Multiple;
}
