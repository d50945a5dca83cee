using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Backends;
using A2F.Engine.Native.Abi;

namespace A2F.Engine.Native.Exports;

/// <summary>Functions of a2f.h about the library itself.</summary>
internal static unsafe class LibraryExports
{
    /// <summary>A2F_ABI_VERSION.</summary>
    internal const uint AbiVersion = 1 << 16;

    private static readonly byte[] Version = Text.Pinned(typeof(A2FException).Assembly.GetName().Version!.ToString(3));

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_abi_version), CallConvs = [typeof(CallConvCdecl)])]
    public static uint a2f_abi_version() => AbiVersion;

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_version_string), CallConvs = [typeof(CallConvCdecl)])]
    public static byte* a2f_version_string() => (byte*)Text.AddressOf(Version);

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_last_error), CallConvs = [typeof(CallConvCdecl)])]
    public static byte* a2f_last_error()
    {
        try
        {
            return Failure.Last;
        }
        catch (OutOfMemoryException)
        {
            return AddressOf("memory ran out\0"u8);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_error_name), CallConvs = [typeof(CallConvCdecl)])]
    public static byte* a2f_error_name(int code) => AddressOf(AbiCode.NameOf(code));

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_set_log), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_set_log(delegate* unmanaged[Cdecl]<void*, int, byte*, void> log, void* user)
    {
        try
        {
            Log.Set(log, (nint)user);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(a2f_set_allocator), CallConvs = [typeof(CallConvCdecl)])]
    public static int a2f_set_allocator(
        delegate* unmanaged[Cdecl]<void*, nuint, nuint, void*> allocate, delegate* unmanaged[Cdecl]<void*, void*, nuint, nuint, void> free, void* user)
    {
        try
        {
            if (allocate is null != free is null)
                throw new AbiException(A2FErrorCode.InvalidArgument, "allocate and free: one is null, set both or neither");
            NativeHeap.Hook = allocate is null ? null : new AllocatorHook(allocate, free, (nint)user);
            return AbiCode.Ok;
        }
        catch (Exception e)
        {
            return Failure.Report(e);
        }
    }

    // Literals lie in the library's read-only data, which never moves.
    private static byte* AddressOf(ReadOnlySpan<byte> literal) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));
}
