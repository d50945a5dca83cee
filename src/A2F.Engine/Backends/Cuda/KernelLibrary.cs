using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>Kernels of one device, compiled when first asked for and kept: a kernel is a function of a file under a set of macros.</summary>
internal sealed class KernelLibrary(CudaContext context, CudaRuntimeCompiler compiler, bool ptx) : IDisposable
{
    private readonly Dictionary<string, CudaModule> _modules = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CudaKernel> _kernels = new(StringComparer.Ordinal);

    /// <summary>The kernel <paramref name="function"/> of <paramref name="file"/>, with macros such as "BM=64".</summary>
    internal CudaKernel Get(string file, string function, params ReadOnlySpan<string> macros)
    {
        string module = $"{file}({string.Join(", ", macros)})", key = $"{function} of {module}";
        if (_kernels.TryGetValue(key, out CudaKernel? kernel)) return kernel;
        if (!_modules.TryGetValue(module, out CudaModule? loaded))
        {
            string[] options = ["--std=c++17", .. macros.ToArray().Select(macro => "-D" + macro)];
            string source = KernelSource.Load(file);
            int architecture = context.Device.Architecture;
            CompiledKernels compiled = ptx
                ? compiler.CompileToPtx(file, source, architecture, options)
                : compiler.CompileToCubin(file, source, architecture, options);
            _modules[module] = loaded = new CudaModule(context, module, compiled.Image);
        }
        return _kernels[key] = loaded.Kernel(function);
    }

    public void Dispose()
    {
        foreach (CudaModule module in _modules.Values) module.Dispose();
        _modules.Clear();
        _kernels.Clear();
    }
}
