using A2F.Engine.Backends.Cuda;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>Options of C as the engine's own.</summary>
internal static unsafe class OptionReader
{
    private const int MostThreads = 256;
    private const double MostMilliseconds = 3_600_000;

    internal static ModelOptions Read(ModelOptionsData* source)
    {
        ModelOptionsData data = Versioned.Read(source);
        CheckReserved(data.Reserved);
        if (data.StreamPriority > 0) throw OutOfRange("stream_priority", "0 or less", data.StreamPriority);
        if (data.Threads is < 0 or > MostThreads) throw OutOfRange("threads", $"0 to {MostThreads}", data.Threads);
        return new ModelOptions
        {
            Device = Text.Optional(data.Device, "device") ?? "auto",
            Precision = data.Precision switch
            {
                0 => Precision.Float32,
                1 => Precision.Float16,
                _ => throw OutOfRange("precision", "0 or 1", data.Precision),
            },
            Threads = data.Threads,
            MaxBatch = data.MaxBatch,
            Vertices = Flag("vertices", data.Vertices),
            EmotionWindow = data.EmotionWindow,
            BakedKernels = Text.Optional(data.BakedKernels, "baked_kernels"),
            CudaContext = data.CudaContext,
            CudaStream = data.CudaStream,
            StreamPriority = data.StreamPriority,
        };
    }

    internal static GroupSetup Read(GroupOptionsData* source)
    {
        GroupOptionsData data = Versioned.Read(source);
        CheckReserved(data.Reserved);
        CheckFinite("tail_seconds", data.TailSeconds);
        CheckFinite("gpu_share", data.GpuShare);
        if (data.TailSeconds is < 0 or > 10) throw OutOfRange("tail_seconds", "0 to 10", data.TailSeconds);
        if (data.FramesNumerator < 1) throw OutOfRange("frames_numerator", "1 or more", data.FramesNumerator);
        if (data.FramesDenominator < 1) throw OutOfRange("frames_denominator", "1 or more", data.FramesDenominator);
        if (data.WhenFull > (uint)WhenFull.Grow) throw OutOfRange("when_full", "0 to 2", data.WhenFull);
        if (data.EmotionWindows > (uint)EmotionWindowPlace.Centred) throw OutOfRange("emotion_windows", "0 or 1", data.EmotionWindows);
        CharacterGroupOptions options = new()
        {
            Capacity = data.Capacity,
            FramesNumerator = data.FramesNumerator,
            FramesDenominator = data.FramesDenominator,
            Vertices = Flag("vertices", data.Vertices),
            DeviceVertices = Flag("device_vertices", data.DeviceVertices),
            FrameRoom = data.FrameRoom,
            WhenFull = (WhenFull)data.WhenFull,
            Folded = Flag("folded", data.Folded),
            SpreadWindows = Flag("spread_windows", data.SpreadWindows),
            StarvationTicks = data.StarvationTicks,
            GpuShare = data.GpuShare,
            Tail = TimeSpan.FromSeconds(data.TailSeconds),
            FaceDevice = Text.Optional(data.FaceDevice, "face_device") ?? "model",
            EmotionWindows = (EmotionWindowPlace)data.EmotionWindows,
        };
        return new GroupSetup(
            options, data.EmotionModel == 0 ? null : HandleTable.Get<ModelState>(data.EmotionModel),
            data.FramesReady is null ? null : new FramesReadyHook(data.FramesReady, (nint)data.FramesReadyUser));
    }

    internal static TickBudget Read(TickOptionsData* source)
    {
        TickOptionsData data = Versioned.Read(source);
        CheckFinite("most_milliseconds", data.MostMilliseconds);
        if (data.MostWindows < 0) throw OutOfRange("most_windows", "0 or more", data.MostWindows);
        if (data.MostMilliseconds is < 0 or > MostMilliseconds) throw OutOfRange("most_milliseconds", $"0 to {MostMilliseconds}", data.MostMilliseconds);
        // Rounded up, so that a bound that is very small does not become none.
        long ticks = (long)Math.Ceiling(data.MostMilliseconds * TimeSpan.TicksPerMillisecond);
        return new TickBudget { MostWindows = data.MostWindows, MostTime = TimeSpan.FromTicks(ticks) };
    }

    internal static CharacterOptions Read(CharacterOptionsData* source)
    {
        CharacterOptionsData data = Versioned.Read(source);
        CheckReserved(data.Reserved);
        if (data.Identity < -1) throw OutOfRange("identity", "-1 or more", data.Identity);
        if (data.SourceFrame < -1) throw OutOfRange("source_frame", "-1 or more", data.SourceFrame);
        return new CharacterOptions
        {
            Identity = data.Identity == -1 ? null : data.Identity,
            Seed = data.Seed,
            SourceShot = Text.Optional(data.SourceShot, "source_shot"),
            SourceFrame = data.SourceFrame == -1 ? null : data.SourceFrame,
            Priority = data.Priority,
            HearsEmotions = Flag("hears_emotions", data.HearsEmotions),
        };
    }

    private static bool Flag(string field, uint value) => value switch
    {
        0 => false,
        1 => true,
        _ => throw OutOfRange(field, "0 or 1", value),
    };

    private static void CheckFinite(string field, double value)
    {
        if (!double.IsFinite(value)) throw new AbiException(A2FErrorCode.NotFinite, $"{field}: {value} is no finite number");
    }

    private static void CheckReserved(uint value)
    {
        if (value != 0) throw new AbiException(A2FErrorCode.InvalidArgument, "a reserved field is set; call the struct's _init function first");
    }

    private static AbiException OutOfRange(string field, string expected, double found) =>
        new(A2FErrorCode.OutOfRange, $"{field}: expected {expected}, found {FormattableString.Invariant($"{found}")}");
}
