using System.Runtime.InteropServices;

namespace A2F.Engine.Native.Abi;

/// <summary>a2f_model_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ModelOptionsData : IVersioned<ModelOptionsData>
{
    public uint StructSize;
    public uint Precision;
    public byte* Device;
    public int Threads;
    public int MaxBatch;
    public uint Vertices;
    public int EmotionWindow;
    public byte* BakedKernels;
    public nint CudaContext;
    public nint CudaStream;
    public int StreamPriority;
    public uint Reserved;

    public static string Name => "a2f_model_options";

    public static int FirstSize => sizeof(ModelOptionsData);

    public static ModelOptionsData Defaults => new() { MaxBatch = 8, Vertices = 1, EmotionWindow = 60000 };
}

/// <summary>a2f_model_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ModelInfoData : IVersioned<ModelInfoData>
{
    public uint StructSize;
    public uint Kind;
    public int SampleRate;
    public int WindowSamples;
    public int FramesNumerator;
    public int FramesDenominator;
    public int EmotionCount;
    public int IdentityCount;
    public int SkinWeightCount;
    public int TongueWeightCount;
    public int SkinVertexCount;
    public int TongueVertexCount;
    public int ParameterCount;
    public int ClassCount;
    public float* DefaultEmotion;
    public byte* Device;
    public byte* DeviceReason;
    public ulong BackendBytes;

    public static string Name => "a2f_model_info";

    public static int FirstSize => sizeof(ModelInfoData);

    public static ModelInfoData Defaults => default;
}
