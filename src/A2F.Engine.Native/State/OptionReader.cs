using A2F.Engine.Backends.Cuda;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>Options of C as the engine's own.</summary>
internal static unsafe class OptionReader
{
    private const int MostThreads = 256;

    internal static ModelOptions Read(ModelOptionsData* source)
    {
        ModelOptionsData data = Versioned.Read(source);
        CheckReserved(data.Reserved);
        NotYet.CheckCuda(data);
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
            BakedKernels = Text.Optional(data.BakedKernels, "baked_kernels"),
        };
    }

    internal static CharacterGroupOptions Read(GroupOptionsData* source)
    {
        GroupOptionsData data = Versioned.Read(source);
        NotYet.CheckDeviceVertices(data);
        NotYet.CheckScheduling(data);
        if (!double.IsFinite(data.TailSeconds)) throw new AbiException(A2FErrorCode.NotFinite, $"tail_seconds: {data.TailSeconds} is no time");
        if (data.TailSeconds is < 0 or > 10) throw OutOfRange("tail_seconds", "0 to 10", data.TailSeconds);
        if (data.FramesNumerator < 1) throw OutOfRange("frames_numerator", "1 or more", data.FramesNumerator);
        if (data.FramesDenominator < 1) throw OutOfRange("frames_denominator", "1 or more", data.FramesDenominator);
        if (data.WhenFull > (uint)WhenFull.Grow) throw OutOfRange("when_full", "0 to 2", data.WhenFull);
        return new CharacterGroupOptions
        {
            Capacity = data.Capacity,
            FramesNumerator = data.FramesNumerator,
            FramesDenominator = data.FramesDenominator,
            Vertices = Flag("vertices", data.Vertices),
            FrameRoom = data.FrameRoom,
            WhenFull = (WhenFull)data.WhenFull,
            Folded = Flag("folded", data.Folded),
            FaceDevice = Text.Optional(data.FaceDevice, "face_device") ?? "cpu",
            Tail = TimeSpan.FromSeconds(data.TailSeconds),
        };
    }

    internal static int Read(TickOptionsData* source)
    {
        TickOptionsData data = Versioned.Read(source);
        NotYet.CheckTickTime(data);
        if (data.MostWindows < 0) throw OutOfRange("most_windows", "0 or more", data.MostWindows);
        return data.MostWindows == 0 ? int.MaxValue : data.MostWindows;
    }

    internal static CharacterOptions Read(CharacterOptionsData* source)
    {
        CharacterOptionsData data = Versioned.Read(source);
        CheckReserved(data.Reserved | data.Reserved2);
        NotYet.CheckPriority(data);
        if (data.Identity < -1) throw OutOfRange("identity", "-1 or more", data.Identity);
        if (data.SourceFrame < -1) throw OutOfRange("source_frame", "-1 or more", data.SourceFrame);
        return new CharacterOptions
        {
            Identity = data.Identity == -1 ? null : data.Identity,
            Seed = data.Seed,
            SourceShot = Text.Optional(data.SourceShot, "source_shot"),
            SourceFrame = data.SourceFrame == -1 ? null : data.SourceFrame,
        };
    }

    private static bool Flag(string field, uint value) => value switch
    {
        0 => false,
        1 => true,
        _ => throw OutOfRange(field, "0 or 1", value),
    };

    private static void CheckReserved(uint value)
    {
        if (value != 0) throw new AbiException(A2FErrorCode.InvalidArgument, "a reserved field is set; call the struct's _init function first");
    }

    private static AbiException OutOfRange(string field, string expected, double found) =>
        new(A2FErrorCode.OutOfRange, $"{field}: expected {expected}, found {FormattableString.Invariant($"{found}")}");
}
