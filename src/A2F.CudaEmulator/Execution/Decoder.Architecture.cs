using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>What the target of a text must be at least: NVRTC does not look into inline assembly, a GPU's driver refuses it.</summary>
internal sealed unsafe partial class Decoder
{
    private int NeededArchitecture()
    {
        List<PtxType> types = Types();
        bool brain = types.Exists(t => t is PtxType.BF16 or PtxType.BF16X2), narrow = types.Exists(t => t.IsNarrowFloat());
        return _i.Opcode switch
        {
            "cp" or "redux" => 80,
            "mma" => Has("m16n8k8") && types.Count == 4 && types[1] == PtxType.F16 ? 75 : 80,
            "ldmatrix" => 75,
            "cvt" => types.Exists(t => t == PtxType.TF32 || t.IsPacked()) || brain || Has("relu") ? 80 : 0,
            "fma" => brain || Has("relu") ? 80 : 0,
            "min" or "max" => narrow || Has("NaN") ? 80 : 0,
            "abs" or "neg" => brain ? 80 : 0,
            "add" or "sub" or "mul" or "set" or "setp" => brain ? 90 : 0,
            "ex2" or "tanh" => brain ? 90 : narrow || _i.Opcode == "tanh" ? 75 : 0,
            "atom" or "red" => brain ? 90 : narrow ? 70 : 0,
            _ => 0,
        };
    }
}
