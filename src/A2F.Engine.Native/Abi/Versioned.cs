using System.Runtime.InteropServices;

namespace A2F.Engine.Native.Abi;

/// <summary>A struct of a2f.h: its size comes first, and grows from version to version.</summary>
internal interface IVersioned<T>
    where T : unmanaged, IVersioned<T>
{
    /// <summary>Its name in a2f.h.</summary>
    static abstract string Name { get; }

    /// <summary>Size in bytes of its first version. Later ones but the last are not listed, since there are none yet.</summary>
    static abstract int FirstSize { get; }

    /// <summary>What fields hold that the caller's version lacks.</summary>
    static abstract T Defaults { get; }
}

/// <summary>Reads and writes structs of any version.</summary>
internal static unsafe class Versioned
{
    // Beyond this a size is garbage rather than a newer version.
    private const uint MostBytes = 4096;

    /// <summary>A caller's struct; defaults where there is none.</summary>
    /// <exception cref="AbiException">Its size is wrong, or it sets what this version does not know.</exception>
    internal static T Read<T>(T* source)
        where T : unmanaged, IVersioned<T>
    {
        T value = T.Defaults;
        if (source is null) return value;
        int size = CheckSize<T>(*(uint*)source), known = Math.Min(size, sizeof(T));
        if (new ReadOnlySpan<byte>((byte*)source + known, size - known).ContainsAnyExcept((byte)0))
        {
            throw new AbiException(AbiCode.StructSize,
                $"{T.Name}: a field beyond the {sizeof(T)} bytes that this library knows is set; use a newer library, or set it to 0");
        }
        Copy(source, &value, known);
        return value;
    }

    /// <summary>Fills a caller's struct as far as it goes.</summary>
    /// <exception cref="AbiException">It is null, or its size is wrong.</exception>
    internal static void Write<T>(T* target, T value)
        where T : unmanaged, IVersioned<T>
    {
        int size = CheckTarget(target);
        *(uint*)&value = (uint)size;
        Copy(&value, target, Math.Min(size, sizeof(T)));
    }

    /// <summary>Checks a struct that will be written.</summary>
    /// <exception cref="AbiException">It is null, or its size is wrong.</exception>
    internal static int CheckTarget<T>(T* target)
        where T : unmanaged, IVersioned<T>
    {
        Pointer.Check(target, T.Name);
        return CheckSize<T>(*(uint*)target);
    }

    /// <summary>Fills a caller's struct with defaults; what this version does not know becomes 0.</summary>
    /// <exception cref="AbiException">It is null, or the size is wrong.</exception>
    internal static void Initialize<T>(T* target, uint structSize)
        where T : unmanaged, IVersioned<T>
    {
        Pointer.Check(target, T.Name);
        int size = CheckSize<T>(structSize);
        NativeMemory.Clear(target, (nuint)size);
        *(uint*)target = structSize;
        Write(target, T.Defaults);
    }

    private static int CheckSize<T>(uint size)
        where T : unmanaged, IVersioned<T>
    {
        if (size == T.FirstSize || size is <= MostBytes && size >= sizeof(T)) return (int)size;
        string sizes = T.FirstSize == sizeof(T) ? $"{sizeof(T)}" : $"{T.FirstSize} or {sizeof(T)}";
        throw new AbiException(AbiCode.StructSize,
            $"{T.Name}: its struct_size is {size}; this library knows {sizes} bytes. Set it to sizeof, or call the struct's _init function");
    }

    private static void Copy(void* from, void* to, int bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);
}
