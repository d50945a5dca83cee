using A2F.Engine.Native.Abi;
using A2F.Engine.Weights;

namespace A2F.Engine.Native.State;

/// <summary>What a2f_model_get_info tells beside the lengths of lists.</summary>
internal sealed class ModelFacts(
    ModelKind kind, int windowSamples, (int Numerator, int Denominator) rate, IReadOnlyList<float> defaultEmotion, string device,
    string? deviceReason, long backendBytes)
{
    private const int SampleRate = Audio.AudioClip.SampleRate;

    // One element more, so that there is an address where there are no emotions.
    private readonly float[] _defaultEmotion = Pin(defaultEmotion);
    private readonly byte[] _device = Text.Pinned(device), _deviceReason = Text.Pinned(deviceReason ?? "");

    internal ModelKind Kind => kind;

    internal string Device => device;

    internal string DeviceReason => deviceReason ?? "";

    internal long BackendBytes => backendBytes;

    /// <summary>The struct for C; its pointers are good as long as this is.</summary>
    internal unsafe ModelInfoData ToStruct(ModelNames names) => new()
    {
        Kind = (uint)kind,
        SampleRate = SampleRate,
        WindowSamples = windowSamples,
        FramesNumerator = rate.Numerator,
        FramesDenominator = rate.Denominator,
        EmotionCount = names.Count(NameList.Emotions),
        IdentityCount = names.Count(NameList.Identities),
        SkinWeightCount = names.Count(NameList.SkinWeights),
        TongueWeightCount = names.Count(NameList.TongueWeights),
        SkinVertexCount = names.SkinVertices,
        TongueVertexCount = names.TongueVertices,
        ParameterCount = names.Count(NameList.Parameters),
        ClassCount = names.Count(NameList.Classes),
        DefaultEmotion = (float*)Text.AddressOf(_defaultEmotion),
        Device = (byte*)Text.AddressOf(_device),
        DeviceReason = (byte*)Text.AddressOf(_deviceReason),
        BackendBytes = (ulong)backendBytes,
    };

    private static float[] Pin(IReadOnlyList<float> values)
    {
        float[] pinned = GC.AllocateArray<float>(values.Count + 1, pinned: true);
        for (int i = 0; i < values.Count; i++) pinned[i] = values[i];
        return pinned;
    }
}
