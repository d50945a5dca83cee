using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>Compiles kernels.</summary>
internal static class KernelImages
{
    /// <summary>The image of a kernel's module.</summary>
    internal static byte[] Compile(CudaRuntimeCompiler compiler, KernelSpec spec, int architecture, bool ptx)
    {
        string[] options = ["--std=c++17", .. spec.Macros.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(macro => "-D" + macro)];
        string source = KernelSource.Load(spec.File);
        return (ptx ? compiler.CompileToPtx(spec.File, source, architecture, options)
            : compiler.CompileToCubin(spec.File, source, architecture, options)).Image;
    }
}
