namespace A2F.Engine.Backends.Cuda;

/// <summary>Where a compiled module came from.</summary>
internal enum KernelOrigin
{
    /// <summary>NVRTC compiled it now.</summary>
    Compiled,

    /// <summary>The user's folder of compiled kernels.</summary>
    Cache,

    /// <summary>A folder that was shipped with the program.</summary>
    Baked,
}

/// <summary>A compiled module.</summary>
/// <param name="Bytes">A cubin, or PTX that ends with a zero byte.</param>
/// <param name="Ptx">Whether it is PTX.</param>
/// <param name="Architecture">What it was compiled for; may be older than the device.</param>
/// <param name="Log">The compiler's warnings and its report on registers and spills.</param>
/// <param name="Origin">Where it came from.</param>
internal sealed record KernelImage(byte[] Bytes, bool Ptx, int Architecture, string Log, KernelOrigin Origin);
