using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>Fields of a2f.h that this version of the engine cannot honour; a method goes when its feature comes.</summary>
internal static class NotYet
{
    /// <summary>A caller's CUDA context and stream.</summary>
    internal static void CheckCuda(in ModelOptionsData options)
    {
        Refuse(options.CudaContext != 0, "cuda_context", "the engine works in the device's primary context");
        Refuse(options.CudaStream != 0, "cuda_stream", "the engine works on streams of its own");
    }

    /// <summary>Vertices that stay on the GPU.</summary>
    internal static void CheckDeviceVertices(in GroupOptionsData options) =>
        Refuse(options.DeviceVertices != 0, "device_vertices", "vertices come to the host; set vertices instead");

    /// <summary>How ticks share their time.</summary>
    internal static void CheckScheduling(in GroupOptionsData options)
    {
        Refuse(options.StarvationTicks != 0, "starvation_ticks", "characters take turns");
        Refuse(options.SpreadWindows != 0, "spread_windows", "set most_windows of a2f_tick_options to bound ticks");
        Refuse(options.GpuShare != 0, "gpu_share", "set most_windows of a2f_tick_options to bound ticks");
    }

    /// <summary>A bound in time.</summary>
    internal static void CheckTickTime(in TickOptionsData options) =>
        Refuse(options.MostMilliseconds != 0, "most_milliseconds", "set most_windows instead");

    /// <summary>Who goes first.</summary>
    internal static void CheckPriority(in CharacterOptionsData options) =>
        Refuse(options.Priority != 0, "priority", "characters take turns");

    /// <summary>A frame's vertices on the GPU, 0 where there are none.</summary>
    internal static (ulong Skin, ulong Tongue) DeviceVertices(CharacterFrame frame)
    {
        _ = frame;
        return (0, 0);
    }

    private static void Refuse(bool isSet, string field, string instead)
    {
        if (isSet) throw new AbiException(AbiCode.NotSupported, $"{field} is not supported by this version of the library ({instead}); leave it 0");
    }
}
