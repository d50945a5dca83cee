namespace A2F.CudaEmulator.Driver;

/// <summary>A loaded module, and the kernels that were asked for.</summary>
internal sealed class Module(Context owner, PtxModule loaded) : Resource(owner)
{
    private readonly Dictionary<string, Kernel> _kernels = new(StringComparer.Ordinal);

    internal PtxModule Loaded { get; } = loaded;

    internal Kernel Kernel(string name)
    {
        if (_kernels.TryGetValue(name, out Kernel? known)) return known;
        Kernel kernel = (Kernel)Machine.Add(new Kernel(this, Loaded.Kernel(name)));
        return _kernels[name] = kernel;
    }

    internal override void Discard()
    {
        base.Discard();
        foreach (Kernel kernel in _kernels.Values) Machine.Remove(kernel);
        Loaded.Unload();
    }
}

/// <summary>A kernel of a module, and what its function attributes were set to.</summary>
internal sealed class Kernel(Module module, PtxKernel loaded) : Resource(module.Owner)
{
    internal readonly Module Module = module;
    internal readonly PtxKernel Loaded = loaded;
    internal readonly int[] Offsets = [.. loaded.Parameters.Select(p => p.Offset)];
    internal readonly int[] Sizes = [.. loaded.Parameters.Select(p => p.Bytes)];
    internal int MostDynamicShared = 48 * 1024 - loaded.StaticSharedBytes;
}
