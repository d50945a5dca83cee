using System.Runtime.InteropServices;

namespace A2F.Engine.Backends;

/// <summary>Functions of a program that embeds the engine, in place of the system's allocator. They may be called on any thread, several at once.</summary>
/// <param name="allocate">(user, bytes, alignment) to a block, or null where memory ran out; alignments are powers of two.</param>
/// <param name="free">(user, block, bytes, alignment): gives such a block back.</param>
/// <param name="user">Passed to both.</param>
internal sealed unsafe class AllocatorHook(
    delegate* unmanaged[Cdecl]<void*, nuint, nuint, void*> allocate, delegate* unmanaged[Cdecl]<void*, void*, nuint, nuint, void> free, nint user)
{
    private readonly delegate* unmanaged[Cdecl]<void*, nuint, nuint, void*> _allocate = allocate;
    private readonly delegate* unmanaged[Cdecl]<void*, void*, nuint, nuint, void> _free = free;

    internal void* Allocate(nuint bytes, nuint alignment) => _allocate((void*)user, bytes, alignment);

    internal void Free(void* block, nuint bytes, nuint alignment) => _free((void*)user, block, bytes, alignment);
}

/// <summary>Where the large native memory of the engine comes from: packed weights and activations of the CPU, and samples that programs look at.</summary>
internal static class NativeHeap
{
    private static volatile AllocatorHook? _hook;

    /// <summary>Takes the place of the system's allocator for blocks to come; null brings that back. Each block goes back to where it came from.</summary>
    internal static AllocatorHook? Hook
    {
        set => _hook = value;
    }

    /// <summary>An uninitialised block.</summary>
    /// <exception cref="A2FException">Memory ran out, or the hook gave a block that is not aligned.</exception>
    internal static unsafe NativeBlock Allocate(nuint bytes, nuint alignment)
    {
        AllocatorHook? hook = _hook;
        void* address;
        if (hook is null)
        {
            try
            {
                address = NativeMemory.AlignedAlloc(bytes, alignment);
            }
            catch (OutOfMemoryException e)
            {
                throw new A2FException(A2FErrorCode.OutOfMemory, $"no memory for a buffer of {bytes:N0} bytes", e);
            }
            return new NativeBlock((nint)address, bytes, alignment, null);
        }
        address = hook.Allocate(bytes, alignment);
        if (address is null) throw new A2FException(A2FErrorCode.OutOfMemory, $"the allocator has no memory for a buffer of {bytes:N0} bytes");
        NativeBlock block = new((nint)address, bytes, alignment, hook);
        if ((nuint)address % alignment == 0) return block;
        block.Free();
        throw new A2FException(A2FErrorCode.InvalidArgument, $"the allocator gave a block that is not aligned to {alignment} bytes, as it was asked to");
    }
}

/// <summary>A block of <see cref="NativeHeap"/>, which knows who takes it back.</summary>
internal readonly unsafe record struct NativeBlock(nint Address, nuint Bytes, nuint Alignment, AllocatorHook? Hook)
{
    /// <summary>Gives it back; once.</summary>
    internal void Free()
    {
        if (Hook is { } hook) hook.Free((void*)Address, Bytes, Alignment);
        else NativeMemory.AlignedFree((void*)Address);
    }
}
