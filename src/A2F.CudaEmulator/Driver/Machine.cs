using System.Collections.Concurrent;
using System.Text;

namespace A2F.CudaEmulator.Driver;

/// <summary>
/// The state behind the driver's functions: one device of each architecture, and every object that a handle stands for. Handles are numbers
/// that are never used twice, so that a stale one is noticed. Work runs when it is queued: a stream is always finished.
/// </summary>
internal static unsafe class Machine
{
    internal static readonly string[] Architectures = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90"];
    private static readonly Lazy<EmulatedDevice>[] Devices = [.. Architectures.Select(a => new Lazy<EmulatedDevice>(() => new EmulatedDevice(a)))];
    private static readonly ConcurrentDictionary<nint, object> Objects = new();
    private static readonly ConcurrentDictionary<string, nint> Texts = new(StringComparer.Ordinal);
    private static readonly int[] Retained = new int[Architectures.Length];
    private static long _lastHandle = 0x1000;

    [ThreadStatic]
    private static Stack<Context>? t_contexts;

    [ThreadStatic]
    private static string? t_fault;

    internal sealed record Context(int Device);

    internal sealed class Stream
    {
        /// <summary>What is recorded instead of run, while capturing.</summary>
        internal List<Action>? Capture;
    }

    internal sealed class Event
    {
        internal long Recorded;
    }

    internal sealed record Graph(List<Action> Work);

    internal sealed class GraphExec(List<Action> work)
    {
        internal List<Action> Work = work;
    }

    internal static EmulatedDevice Device(int ordinal) => Devices[ordinal].Value;

    internal static EmulatedDevice CurrentDevice => Device(Current.Device);

    /// <summary>This thread's context.</summary>
    internal static Context Current => t_contexts is { Count: > 0 } stack ? stack.Peek() : throw new DriverError(201, "no context is current");

    internal static bool HasContext => t_contexts is { Count: > 0 };

    internal static void Push(Context context) => (t_contexts ??= []).Push(context);

    internal static Context Pop() => t_contexts is { Count: > 0 } stack ? stack.Pop() : throw new DriverError(201, "no context is current");

    internal static void Retain(int device) => Interlocked.Increment(ref Retained[device]);

    internal static void Release(int device)
    {
        if (Interlocked.Decrement(ref Retained[device]) >= 0) return;
        Interlocked.Increment(ref Retained[device]);
        throw new DriverError(201, $"the primary context of device {device} was released more often than retained");
    }

    internal static nint Add(object what)
    {
        nint handle = (nint)Interlocked.Add(ref _lastHandle, 16);
        Objects[handle] = what;
        return handle;
    }

    /// <summary>The primary context of a device: one handle for all who retain it.</summary>
    internal static nint PrimaryContext(int device) => Objects.GetOrAdd(device + 1, _ => new Context(device)) is Context ? device + 1 : 0;

    internal static T Get<T>(nint handle) => Objects.TryGetValue(handle, out object? found) && found is T typed
        ? typed : throw new DriverError(400, $"handle {handle} is no {typeof(T).Name}, or was destroyed");

    internal static void Remove<T>(nint handle)
    {
        Get<T>(handle);
        Objects.TryRemove(handle, out _);
    }

    /// <summary>Objects of a kind that are not destroyed.</summary>
    internal static int Count<T>() => Objects.Values.Count(o => o is T);

    /// <summary>Runs work that was queued on a stream (0 is the default one), or records it while the stream captures.</summary>
    internal static void Submit(nint stream, Action work)
    {
        if (stream != 0 && Get<Stream>(stream).Capture is { } capture) capture.Add(work);
        else work();
    }

    /// <summary>Runs a driver function: whatever goes wrong becomes its result, and its text the next description of that error.</summary>
    internal static int Call(Action body)
    {
        try
        {
            body();
            return 0;
        }
        catch (DriverError e)
        {
            t_fault = e.Message;
            return e.Result;
        }
        catch (EmulatorException e)
        {
            t_fault = e.Message;
            return e.Kind switch
            {
                EmulatorErrorKind.Syntax or EmulatorErrorKind.Unsupported => 218,
                EmulatorErrorKind.OutOfBounds or EmulatorErrorKind.UseAfterFree => 700,
                EmulatorErrorKind.LaunchLimits or EmulatorErrorKind.ParameterSize => 701,
                EmulatorErrorKind.Misaligned => 716,
                EmulatorErrorKind.NotFound => 500,
                _ => 719,
            };
        }
        catch (OutOfMemoryException)
        {
            t_fault = "the host has no memory for the device's";
            return 2;
        }
    }

    /// <summary>What went wrong last on this thread.</summary>
    internal static string? LastFault => t_fault;

    /// <summary>A zero-terminated UTF-8 text that lives as long as the process.</summary>
    internal static byte* Text(string text) => (byte*)Texts.GetOrAdd(text, static t =>
    {
        byte[] bytes = Encoding.UTF8.GetBytes(t);
        byte* copy = (byte*)NativeMemory.Alloc((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        copy[bytes.Length] = 0;
        return (nint)copy;
    });
}

/// <summary>A result that a driver function returns.</summary>
internal sealed class DriverError(int result, string message) : Exception(message)
{
    internal int Result { get; } = result;
}
