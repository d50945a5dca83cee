using System.Runtime.CompilerServices;
using System.Text;

namespace A2F.Engine.Native.Abi;

/// <summary>Turns exceptions into codes, and keeps each thread's last message.</summary>
internal static unsafe class Failure
{
    private const int MostBytes = 4096;

    // Pinned, so that C may look at it; the thread's own, so that it lives as long as the thread does.
    [ThreadStatic]
    private static byte[]? _message;

    /// <summary>The text of the thread's last failure; "" if there was none.</summary>
    internal static byte* Last
    {
        get
        {
            byte[] message = _message ??= GC.AllocateArray<byte>(MostBytes, pinned: true);
            return (byte*)Unsafe.AsPointer(ref message[0]);
        }
    }

    /// <summary>Notes what went wrong; the code that the function returns. Never throws.</summary>
    internal static int Report(Exception exception, [CallerMemberName] string function = "")
    {
        try
        {
            (int code, string message) = exception switch
            {
                AbiException e => (e.Code, e.Message),
                A2FException e => ((int)e.Code, e.Message),
                OutOfMemoryException => ((int)A2FErrorCode.OutOfMemory, "memory ran out"),
                _ => ((int)A2FErrorCode.Internal,
                    $"{exception.GetType().Name}: {exception.Message}; this is a defect of the library, please report it"),
            };
            Span<byte> target = new(Last, MostBytes);
            Encoding.UTF8.GetEncoder().Convert(message, target[..^1], flush: true, out _, out int written, out _);
            target[written] = 0;
            Log.Write(Log.Error, $"{function}: {message}");
            return code;
        }
        catch (Exception)
        {
            return exception is OutOfMemoryException ? (int)A2FErrorCode.OutOfMemory : (int)A2FErrorCode.Internal;
        }
    }
}
