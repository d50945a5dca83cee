using System.Collections.Concurrent;
using System.Diagnostics;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>
/// What was made on a device and not disposed, and where: nothing here has a finalizer, because a finalizer's thread must not call the driver.
/// On in debug builds, which report what is left when the process ends; elsewhere it costs a test of a flag.
/// </summary>
internal static class CudaLeaks
{
    private static readonly ConcurrentDictionary<object, StackTrace> Living = new(ReferenceEqualityComparer.Instance);

    /// <summary>Whether objects are tracked from now on.</summary>
    internal static bool IsOn { get; set; } = IsDebugBuild();

    /// <summary>An object that holds something of the driver's was made.</summary>
    internal static void Made(object what)
    {
        if (IsOn) Track(what);
    }

    // Frames are not skipped by number: which calls are inlined differs from run to run.
    private static void Track(object what) => Living[what] = new StackTrace(fNeedFileInfo: true);

    /// <summary>It was released.</summary>
    internal static void Released(object what)
    {
        if (!Living.IsEmpty) Living.TryRemove(what, out _);
    }

    /// <summary>Type, and the stack that made it, of each object that is left.</summary>
    internal static IReadOnlyList<string> Report() => [.. Living.Select(leak => $"{leak.Key.GetType().Name}, made{Environment.NewLine}{leak.Value}")];

    private static bool IsDebugBuild()
    {
#if DEBUG
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (string leak in Report()) Console.Error.WriteLine($"not disposed: {leak}");
        };
        return true;
#else
        return false;
#endif
    }
}
