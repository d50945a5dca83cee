namespace A2F.Engine.Native.Abi;

/// <summary>Pointers of callers.</summary>
internal static unsafe class Pointer
{
    /// <summary>Most elements of an array.</summary>
    private const int MostElements = 1 << 26;

    /// <summary>Throws for null.</summary>
    internal static void Check(void* pointer, string what)
    {
        if (pointer is null) throw new AbiException(A2FErrorCode.InvalidArgument, $"{what} is null");
    }

    /// <summary>A caller's array; null is one of no elements.</summary>
    /// <exception cref="AbiException">It is null but has elements, or has too many.</exception>
    internal static ReadOnlySpan<T> Span<T>(T* array, nuint count, string what)
        where T : unmanaged
    {
        if (count > MostElements)
            throw new AbiException(A2FErrorCode.OutOfRange, $"{what}: expected at most {MostElements} elements, found {count}");
        if (count == 0) return [];
        Check(array, what);
        return new ReadOnlySpan<T>(array, (int)count);
    }
}
