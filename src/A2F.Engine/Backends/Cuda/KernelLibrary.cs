using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>The kernels that are loaded on one device: each module when first asked for, then kept.</summary>
internal sealed class KernelLibrary(CudaContext context, Func<KernelSpec, byte[]> images) : IDisposable
{
    private const int AlwaysAllowedShared = 48 << 10;
    private readonly Dictionary<(string File, string Macros), CudaModule> _modules = [];
    private readonly Dictionary<KernelSpec, Loaded> _kernels = [];

    private sealed class Loaded(CudaKernel kernel)
    {
        internal CudaKernel Kernel { get; } = kernel;

        internal int AllowedShared { get; set; } = AlwaysAllowedShared;
    }

    /// <summary>A kernel that may be launched with this much dynamic shared memory.</summary>
    internal CudaKernel Get(KernelSpec spec, int sharedBytes)
    {
        if (!_kernels.TryGetValue(spec, out Loaded? loaded))
        {
            if (!_modules.TryGetValue((spec.File, spec.Macros), out CudaModule? module))
                _modules[(spec.File, spec.Macros)] = module = new CudaModule(context, $"{spec.File} ({spec.Macros})", images(spec));
            _kernels[spec] = loaded = new Loaded(module.Kernel(spec.Function));
        }
        if (sharedBytes > loaded.AllowedShared)
        {
            using (context.Enter()) loaded.Kernel.AllowDynamicShared(sharedBytes);
            loaded.AllowedShared = sharedBytes;
        }
        return loaded.Kernel;
    }

    public void Dispose()
    {
        foreach (CudaModule module in _modules.Values) module.Dispose();
        _modules.Clear();
        _kernels.Clear();
    }
}
