using System.Runtime.InteropServices;
using System.Text;

namespace A2F.Engine.Native.Abi;

/// <summary>UTF-8 texts of C.</summary>
internal static unsafe class Text
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A text that must be there.</summary>
    /// <exception cref="AbiException">It is null, or no UTF-8.</exception>
    internal static string Required(byte* text, string what) =>
        Optional(text, what) ?? throw new AbiException(A2FErrorCode.InvalidArgument, $"{what} is null, a text was expected");

    /// <summary>A text that may be null.</summary>
    /// <exception cref="AbiException">It is no UTF-8.</exception>
    internal static string? Optional(byte* text, string what)
    {
        if (text is null) return null;
        try
        {
            return Strict.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
        }
        catch (DecoderFallbackException)
        {
            throw new AbiException(A2FErrorCode.InvalidArgument, $"{what} is not UTF-8");
        }
    }

    /// <summary>Bytes of a text with its zero, which stay where they are as long as the array is in use.</summary>
    internal static byte[] Pinned(string text)
    {
        byte[] bytes = GC.AllocateArray<byte>(Encoding.UTF8.GetByteCount(text) + 1, pinned: true);
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>Address of a pinned array that is not empty.</summary>
    internal static nint AddressOf<T>(T[] pinned) => Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);

    /// <summary>Writes a text into a caller's buffer.</summary>
    /// <exception cref="AbiException">The buffer is too small.</exception>
    internal static void Write(string text, byte* buffer, nuint capacity, nuint* length)
    {
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (length is not null) *length = (nuint)bytes;
        if (buffer is null && capacity != 0)
            throw new AbiException(A2FErrorCode.InvalidArgument, $"the buffer is null, but its capacity is {capacity}");
        if (capacity <= (nuint)bytes)
            throw new AbiException(AbiCode.BufferTooSmall, $"the text takes {bytes + 1} bytes with its zero, the buffer has {capacity}");
        Encoding.UTF8.GetBytes(text, new Span<byte>(buffer, bytes));
        buffer[bytes] = 0;
    }
}
