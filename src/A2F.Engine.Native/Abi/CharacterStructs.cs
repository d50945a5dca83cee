using System.Runtime.InteropServices;

namespace A2F.Engine.Native.Abi;

/// <summary>a2f_character_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CharacterOptionsData : IVersioned<CharacterOptionsData>
{
    public uint StructSize;
    public int Identity;
    public ulong Seed;
    public byte* SourceShot;
    public int SourceFrame;
    public int Priority;
    public uint HearsEmotions;
    public uint Reserved;

    public static string Name => "a2f_character_options";

    public static int FirstSize => sizeof(CharacterOptionsData);

    public static CharacterOptionsData Defaults => new() { Identity = -1, SourceFrame = -1 };
}

/// <summary>a2f_character_status.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CharacterStatusData : IVersioned<CharacterStatusData>
{
    public uint StructSize;
    public int Error;
    public long SamplesReceived;
    public long FramesMade;
    public long FramesUnread;
    public long FramesDropped;
    public uint Finished;
    public uint Reserved;

    public static string Name => "a2f_character_status";

    public static unsafe int FirstSize => sizeof(CharacterStatusData);

    public static CharacterStatusData Defaults => default;
}

/// <summary>a2f_frame.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FrameData : IVersioned<FrameData>
{
    public uint StructSize;
    public uint StandsIn;
    public float* SkinWeights;
    public float* TongueWeights;
    public float* SkinVertices;
    public float* TongueVertices;
    public uint SkinWeightCapacity;
    public uint TongueWeightCapacity;
    public uint SkinVertexCapacity;
    public uint TongueVertexCapacity;
    public fixed float Jaw[16];
    public fixed float Eyes[6];
    public long Sequence;
    public long Timestamp;
    public double LatencySeconds;
    public ulong DeviceSkinVertices;
    public ulong DeviceTongueVertices;

    public static string Name => "a2f_frame";

    public static int FirstSize => sizeof(FrameData);

    public static FrameData Defaults => default;
}
