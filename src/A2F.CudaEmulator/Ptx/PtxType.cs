namespace A2F.CudaEmulator.Ptx;

/// <summary>The type suffixes of PTX.</summary>
internal enum PtxType
{
    None, Pred, B8, B16, B32, B64, U8, U16, U32, U64, S8, S16, S32, S64, F16, F16X2, BF16, BF16X2, TF32, F32, F64,
}

internal static class PtxTypes
{
    private static readonly Dictionary<string, PtxType> Names = new(StringComparer.Ordinal)
    {
        ["pred"] = PtxType.Pred,
        ["b8"] = PtxType.B8,
        ["b16"] = PtxType.B16,
        ["b32"] = PtxType.B32,
        ["b64"] = PtxType.B64,
        ["u8"] = PtxType.U8,
        ["u16"] = PtxType.U16,
        ["u32"] = PtxType.U32,
        ["u64"] = PtxType.U64,
        ["s8"] = PtxType.S8,
        ["s16"] = PtxType.S16,
        ["s32"] = PtxType.S32,
        ["s64"] = PtxType.S64,
        ["f16"] = PtxType.F16,
        ["f16x2"] = PtxType.F16X2,
        ["bf16"] = PtxType.BF16,
        ["bf16x2"] = PtxType.BF16X2,
        ["tf32"] = PtxType.TF32,
        ["f32"] = PtxType.F32,
        ["f64"] = PtxType.F64,
    };

    public static PtxType Parse(string name) => Names.GetValueOrDefault(name, PtxType.None);

    /// <summary>Width in bytes; 1 for predicates.</summary>
    public static int Bytes(this PtxType type) => type switch
    {
        PtxType.B8 or PtxType.U8 or PtxType.S8 or PtxType.Pred => 1,
        PtxType.B16 or PtxType.U16 or PtxType.S16 or PtxType.F16 or PtxType.BF16 => 2,
        PtxType.B64 or PtxType.U64 or PtxType.S64 or PtxType.F64 => 8,
        _ => 4,
    };

    public static bool IsSigned(this PtxType type) => type is PtxType.S8 or PtxType.S16 or PtxType.S32 or PtxType.S64;

    public static bool IsFloat(this PtxType type) => type >= PtxType.F16;

    public static bool IsNarrowFloat(this PtxType type) => type is PtxType.F16 or PtxType.F16X2 or PtxType.BF16 or PtxType.BF16X2;

    public static bool IsPacked(this PtxType type) => type is PtxType.F16X2 or PtxType.BF16X2;
}
