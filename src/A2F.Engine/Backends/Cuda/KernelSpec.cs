namespace A2F.Engine.Backends.Cuda;

/// <summary>A kernel: a function of a file of kernels/, compiled under macros such as "ACT=2 BM=64" (space separated).</summary>
internal readonly record struct KernelSpec(string File, string Function, string Macros)
{
    public override string ToString() => Macros.Length == 0 ? Function : $"{Function} ({Macros})";
}
