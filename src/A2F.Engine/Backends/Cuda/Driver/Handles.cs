using System.Runtime.CompilerServices;

namespace A2F.Engine.Backends.Cuda.Driver;

// What the native interfaces pass around, one type each, so that a stream cannot stand where an event belongs. Names as in cuda.h.

internal readonly record struct CUdevice(int Value);

internal readonly record struct CUcontext(nint Value);

internal readonly record struct CUstream(nint Value);

internal readonly record struct CUevent(nint Value);

internal readonly record struct CUmodule(nint Value);

internal readonly record struct CUfunction(nint Value);

internal readonly record struct CUgraph(nint Value);

internal readonly record struct CUgraphNode(nint Value);

internal readonly record struct CUgraphExec(nint Value);

internal readonly record struct CUmemoryPool(nint Value);

/// <summary>An address in device memory.</summary>
internal readonly record struct CUdeviceptr(ulong Value)
{
    public static CUdeviceptr operator +(CUdeviceptr start, long bytes) => new(start.Value + (ulong)bytes);
}

/// <summary>The 16 bytes that name a device.</summary>
[InlineArray(16)]
internal struct CUuuid
{
    private byte _first;

    /// <summary>The form that NVIDIA's tools print: GPU-8-4-4-4-12 hexadecimal digits.</summary>
    internal readonly string Text => "GPU-" + new Guid(this, bigEndian: true);
}

internal readonly record struct NvrtcProgram(nint Value);

internal readonly record struct CublasHandle(nint Value);
