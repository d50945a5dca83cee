using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.State;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>Each field of a2f.h reaches the option of the .NET library that it stands for, and no other.</summary>
public sealed unsafe class FieldTests
{
    [Fact]
    public void Model_options()
    {
        byte[] device = Text.Pinned("cuda:3"), kernels = Text.Pinned("/kernels");
        ModelOptionsData data = Versioned.Read<ModelOptionsData>(null);
        data.StructSize = (uint)sizeof(ModelOptionsData);
        Assert.Equal(new ModelOptions(), OptionReader.Read(&data));
        data = data with
        {
            Precision = 1,
            Device = (byte*)Text.AddressOf(device),
            Threads = 2,
            MaxBatch = 3,
            Vertices = 0,
            EmotionWindow = 4000,
            BakedKernels = (byte*)Text.AddressOf(kernels),
            CudaContext = 5,
            CudaStream = 6,
            StreamPriority = -1,
        };
        ModelOptions expected = new()
        {
            Precision = Precision.Float16,
            Device = "cuda:3",
            Threads = 2,
            MaxBatch = 3,
            Vertices = false,
            EmotionWindow = 4000,
            BakedKernels = "/kernels",
            CudaContext = 5,
            CudaStream = 6,
            StreamPriority = -1,
        };
        Assert.Equal(expected, OptionReader.Read(&data));
    }

    [Fact]
    public void Group_options()
    {
        byte[] device = Text.Pinned("cuda:1");
        GroupOptionsData data = Versioned.Read<GroupOptionsData>(null);
        data.StructSize = (uint)sizeof(GroupOptionsData);
        GroupSetup setup = OptionReader.Read(&data);
        Assert.Equal((null, null), (setup.Classifier, setup.FramesReady));
        CheckEqual(new CharacterGroupOptions(), setup.Options);

        int told = 0;
        data = data with
        {
            Capacity = 2,
            FramesNumerator = 30000,
            FramesDenominator = 1001,
            Vertices = 0,
            DeviceVertices = 1,
            FrameRoom = 5,
            WhenFull = 1,
            Folded = 0,
            SpreadWindows = 0,
            StarvationTicks = 7,
            GpuShare = 0.5f,
            TailSeconds = 1.5,
            FaceDevice = (byte*)Text.AddressOf(device),
            EmotionWindows = 1,
            FramesReady = &Count,
            FramesReadyUser = &told,
        };
        CharacterGroupOptions expected = new()
        {
            Capacity = 2,
            FramesNumerator = 30000,
            FramesDenominator = 1001,
            DeviceVertices = true,
            FrameRoom = 5,
            WhenFull = WhenFull.Wait,
            Folded = false,
            SpreadWindows = false,
            StarvationTicks = 7,
            GpuShare = 0.5f,
            Tail = TimeSpan.FromSeconds(1.5),
            FaceDevice = "cuda:1",
            EmotionWindows = EmotionWindowPlace.Centred,
        };
        setup = OptionReader.Read(&data);
        CheckEqual(expected, setup.Options);
        setup.FramesReady!.Tell(40);
        Assert.Equal(40, told);
        data.Vertices = 1;
        CheckEqual(expected with { Vertices = true }, OptionReader.Read(&data).Options);

        // Records are equal where their members are, and each record makes an analysis of its own.
        static void CheckEqual(CharacterGroupOptions expected, CharacterGroupOptions found) =>
            Assert.Equal(expected with { EmotionAnalysis = found.EmotionAnalysis }, found);
    }

    [Theory]
    [InlineData(0, 0.0, 0)]
    [InlineData(3, 0.0, 0)]
    [InlineData(0, 2.5, 25_000)]
    [InlineData(7, 1e-300, 1)] // a bound as small as can be is none of 0, which would be no bound
    [InlineData(7, 3_600_000.0, 36_000_000_000)]
    public void Tick_options(int windows, double milliseconds, long ticks)
    {
        TickOptionsData data = new() { StructSize = (uint)sizeof(TickOptionsData), MostWindows = windows, MostMilliseconds = milliseconds };
        Assert.Equal(new TickBudget { MostWindows = windows, MostTime = TimeSpan.FromTicks(ticks) }, OptionReader.Read(&data));
    }

    [Fact]
    public void Character_options()
    {
        byte[] shot = Text.Pinned("shot");
        CharacterOptionsData data = Versioned.Read<CharacterOptionsData>(null);
        data.StructSize = (uint)sizeof(CharacterOptionsData);
        Assert.Equal(new CharacterOptions(), OptionReader.Read(&data));
        data = data with { Identity = 1, Seed = 2, SourceShot = (byte*)Text.AddressOf(shot), SourceFrame = 3, Priority = -4, HearsEmotions = 1 };
        CharacterOptions expected = new() { Identity = 1, Seed = 2, SourceShot = "shot", SourceFrame = 3, Priority = -4, HearsEmotions = true };
        Assert.Equal(expected, OptionReader.Read(&data));
    }

    [Fact]
    public void Frames()
    {
        using RegressionModel model = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), new ModelOptions { Device = "cpu", Threads = 1 });
        CharacterFrame frame = new(new FaceFrames(model.Rig, 1, vertices: false))
        {
            Sequence = 1,
            Timestamp = 2,
            Latency = TimeSpan.FromSeconds(3),
            DeviceSkinVertices = 4,
            DeviceTongueVertices = 5,
        };
        FrameData data = new() { StructSize = (uint)sizeof(FrameData) };
        FrameTarget.Fill(&data, frame, standsIn: true);
        Assert.Equal((1L, 2L, 3.0, 1u), (data.Sequence, data.Timestamp, data.LatencySeconds, data.StandsIn));
        Assert.Equal((4ul, 5ul), (data.DeviceSkinVertices, data.DeviceTongueVertices));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Count(void* user, nint character) => *(int*)user += (int)character;
}
