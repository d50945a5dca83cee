using System.Runtime.InteropServices;

namespace A2F.Engine.Native.Abi;

/// <summary>a2f_group_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GroupOptionsData : IVersioned<GroupOptionsData>
{
    public uint StructSize;
    public int Capacity;
    public int FramesNumerator;
    public int FramesDenominator;
    public uint Vertices;
    public uint DeviceVertices;
    public int FrameRoom;
    public uint WhenFull;
    public uint Folded;
    public uint SpreadWindows;
    public int StarvationTicks;
    public float GpuShare;
    public double TailSeconds;
    public byte* FaceDevice;
    public nint EmotionModel;
    public uint EmotionWindows;
    public uint Reserved;
    public delegate* unmanaged[Cdecl]<void*, nint, void> FramesReady;
    public void* FramesReadyUser;

    public static string Name => "a2f_group_options";

    public static int FirstSize => sizeof(GroupOptionsData);

    public static GroupOptionsData Defaults => new()
    {
        Capacity = 16,
        FramesNumerator = 60,
        FramesDenominator = 1,
        FrameRoom = 64,
        Folded = 1,
        SpreadWindows = 1,
        StarvationTicks = 8,
        GpuShare = 1,
        TailSeconds = 0.25,
    };
}

/// <summary>a2f_tick_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TickOptionsData : IVersioned<TickOptionsData>
{
    public uint StructSize;
    public int MostWindows;
    public double MostMilliseconds;

    public static string Name => "a2f_tick_options";

    public static unsafe int FirstSize => sizeof(TickOptionsData);

    public static TickOptionsData Defaults => default;
}

/// <summary>a2f_tick_report.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TickReportData : IVersioned<TickReportData>
{
    public uint StructSize;
    public int Windows;
    public double Seconds;

    public static string Name => "a2f_tick_report";

    public static unsafe int FirstSize => sizeof(TickReportData);

    public static TickReportData Defaults => default;
}
