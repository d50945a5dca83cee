namespace A2F.Engine.Backends.Cuda;

/// <summary>A kernel: function of a file of kernels/, compiled under macros such as "ACT=2 BM=64" (space separated).</summary>
internal readonly record struct KernelSpec(string File, string Function, string Macros)
{
    /// <summary>For messages: "gemm_f32 of gemm_f32.cu (BM=64 BN=32)".</summary>
    public override string ToString() => $"{Function} of {File}{(Macros.Length > 0 ? $" ({Macros})" : "")}";
}
