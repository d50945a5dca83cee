using System.Collections.Concurrent;
using System.Text;
using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>How a driver function stands to contexts and to errors.</summary>
internal enum CallKind
{
    /// <summary>Needs no context, and a broken one does not matter.</summary>
    Free,
    /// <summary>Works in this thread's context, and repeats the error that broke it.</summary>
    InContext,
    /// <summary>Releases something, even where it reports an error: there is no second try.</summary>
    Release,
}

/// <summary>
/// The state behind the driver's functions: one device of each architecture, and every object that a handle stands for. Handles are numbers
/// that are never used twice, so that a stale one is noticed. One lock holds it all, also while work runs.
/// </summary>
internal static unsafe class Machine
{
    internal static readonly long DeviceBytes = 8L << 30;
    internal static readonly string[] Architectures = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90"];
    internal static readonly Lock Gate = new();
    private static readonly Lazy<EmulatedDevice>[] Devices =
        [.. Architectures.Select((a, i) => new Lazy<EmulatedDevice>(() => new EmulatedDevice(a, 0, DeviceHeap.FirstAddressOf(i))))];
    private static readonly Context?[] Primaries = new Context?[Architectures.Length];
    private static readonly Dictionary<nint, Resource> Objects = [];
    private static readonly ConcurrentDictionary<string, nint> Texts = new(StringComparer.Ordinal);
    private static nint s_lastHandle = 0x1000;

    [ThreadStatic]
    private static Stack<Context>? t_contexts;

    [ThreadStatic]
    private static string? t_fault;

    internal static EmulatedDevice Device(int ordinal) => ordinal >= 0 && ordinal < Devices.Length
        ? Devices[ordinal].Value : throw new DriverError(101, $"there is no device {ordinal}");

    internal static EmulatedDevice CurrentDevice => Device(Current.Device);

    /// <summary>This thread's context.</summary>
    internal static Context Current
    {
        get
        {
            Context top = t_contexts is { Count: > 0 } stack ? stack.Peek() : throw new DriverError(201, "no context is current");
            return !top.Live ? throw new DriverError(709, "the context that is current was destroyed") : top;
        }
    }

    /// <summary>Contexts on this thread's stack.</summary>
    internal static int Depth => t_contexts?.Count ?? 0;

    internal static void Push(Context context) => (t_contexts ??= []).Push(context);

    internal static Context Pop() => t_contexts is { Count: > 0 } stack ? stack.Pop() : throw new DriverError(201, "no context is current");

    /// <summary>The primary context of a device, made when first retained and after its last release.</summary>
    internal static Context Retain(int device)
    {
        _ = Device(device);
        Context primary = Primaries[device] ??= (Context)Add(new Context(device));
        primary.Retained++;
        return primary;
    }

    internal static void Release(int device)
    {
        _ = Device(device);
        Context primary = Primaries[device]
            ?? throw new DriverError(201, $"the primary context of device {device} was released more often than retained");
        if (--primary.Retained > 0) return;
        Primaries[device] = null;
        primary.End();
    }

    /// <summary>Gives an object its handle.</summary>
    internal static Resource Add(Resource what)
    {
        what.Handle = s_lastHandle += 16;
        Objects[what.Handle] = what;
        return what;
    }

    internal static T Get<T>(nint handle)
        where T : Resource =>
        Objects.TryGetValue(handle, out Resource? found) && found is T typed
            ? typed : throw new DriverError(400, $"handle {handle} is no {typeof(T).Name}, or was destroyed");

    /// <summary>The context that an allocation was made in, or null.</summary>
    internal static Context? ContextOf(ulong address) => Objects.Values.OfType<Context>().FirstOrDefault(c => c.Holds(address));

    internal static void Remove(Resource what) => Objects.Remove(what.Handle);

    /// <summary>Live objects of a kind on a device.</summary>
    internal static IEnumerable<T> On<T>(int device)
        where T : Resource =>
        Objects.Values.OfType<T>().Where(o => o.Owner.Device == device);

    /// <summary>
    /// Runs a driver function, named as in CUDA's manual: whatever goes wrong becomes its result, and its text the next description of that
    /// error on this thread. A function that is made to fail does nothing, but for releases.
    /// </summary>
    internal static int Call(string function, CallKind kind, Action body)
    {
        lock (Gate)
        {
            Context? context = t_contexts is { Count: > 0 } stack ? stack.Peek() : null;
            int asked = Faults.Next(function);
            if (asked != 0)
            {
                if (kind == CallKind.Release) Try(body, null);
                string text = $"{function} was made to fail, as call {Faults.Calls}";
                if (Context.Breaks(asked)) context?.Break(asked, text);
                return Fail(asked, text);
            }
            if (kind == CallKind.InContext && context?.Broken is { } broken) return Fail(broken.Result, broken.Text);
            return Try(body, kind == CallKind.InContext ? context : null);
        }
    }

    private static int Try(Action body, Context? stirred)
    {
        try
        {
            stirred?.Queue.Stir();
            body();
            return 0;
        }
        catch (DriverError e)
        {
            return Fail(e.Result, e.Message);
        }
        catch (EmulatorException e)
        {
            return Fail(ResultOf(e), e.Message);
        }
        catch (OutOfMemoryException)
        {
            return Fail(2, "the host has no memory for the device's");
        }
    }

    private static int Fail(int result, string text)
    {
        t_fault = text;
        return result;
    }

    /// <summary>The driver's number for what the emulator found.</summary>
    internal static int ResultOf(EmulatorException e) => e.Kind switch
    {
        EmulatorErrorKind.Syntax or EmulatorErrorKind.Unsupported => 218,
        EmulatorErrorKind.OutOfBounds or EmulatorErrorKind.UseAfterFree => 700,
        EmulatorErrorKind.LaunchLimits or EmulatorErrorKind.ParameterSize => 701,
        EmulatorErrorKind.Misaligned => 716,
        EmulatorErrorKind.NotFound => 500,
        _ => 719,
    };

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
