using System.Runtime.InteropServices;
using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Groups whose network and animation stage share a stream of the emulated GPU, with every check on.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaPipelineTests
{
    [NvrtcTheory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Frames_are_bit_for_bit_those_of_a_group_that_waits(bool diffusion, bool vertices)
    {
        (IDisposable model, Func<CharacterGroupOptions, CharacterGroup> create) = GroupScript.Load(diffusion);
        using (model)
        {
            CharacterGroupOptions options = GroupScript.Options with { Vertices = vertices };
            List<float[]> expected;
            ModelOptions gpu = GroupScript.Gpu;
            using (CharacterGroup waits = create(options with { FaceDevice = gpu.Device, CudaDriver = gpu.CudaDriver }))
                expected = GroupScript.Speak(waits, 1, 1);
            Assert.True(expected.Count > 10 && !expected[0].AsSpan(1).SequenceEqual(expected[^1].AsSpan(1)), $"{expected.Count} frames");
            using CharacterGroup group = create(options);
            Assert.Equal(expected, GroupScript.Speak(group, 1, 2));
            Assert.Equal(expected, GroupScript.Speak(group, 5, 3));
        }
        Assert.True(EmulatedDriver.Books(GroupScript.Device).AreZero, EmulatedDriver.Books(GroupScript.Device).ToString());
    }

    [NvrtcTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Order_of_the_device_does_not_matter(bool diffusion)
    {
        List<float[]> Run(WorkOrder order)
        {
            EmulatedDriver.Order = order;
            try
            {
                (IDisposable model, Func<CharacterGroupOptions, CharacterGroup> create) = GroupScript.Load(diffusion);
                using (model)
                {
                    using CharacterGroup group = create(GroupScript.Options);
                    return GroupScript.Speak(group, 3, 5);
                }
            }
            finally
            {
                EmulatedDriver.Order = WorkOrder.Eager;
            }
        }
        List<float[]> expected = Run(WorkOrder.Eager);
        Assert.Equal(expected, Run(WorkOrder.Lazy));
        Assert.Equal(expected, Run(WorkOrder.Adversarial(1)));
    }

    [NvrtcFact]
    public void Two_groups_on_one_model_do_not_disturb_each_other()
    {
        using RegressionModel model = GroupScript.Regression();
        using CharacterGroup one = CharacterGroup.Create(model, GroupScript.Options), two = CharacterGroup.Create(model, GroupScript.Options);
        List<float[]> expected = GroupScript.Speak(one, 1, 1);
        List<float[]>[] both = new List<float[]>[2];
        Parallel.Invoke(() => both[0] = GroupScript.Speak(one, 3, 2), () => both[1] = GroupScript.Speak(two, 2, 3));
        Assert.Equal(expected, both[0]);
        Assert.Equal(expected, both[1]);
    }

    [NvrtcFact]
    public void Groups_that_come_while_others_tick_may_share_both_models()
    {
        CharacterOptions hears = new() { HearsEmotions = true };
        using RegressionModel model = GroupScript.Regression();
        using EmotionModel classifier = EmotionModel.Load(TestData.Path("fixtures/emo_base"), GroupScript.Gpu with { EmotionWindow = 2000, MaxBatch = 2 });
        List<float[]>[] all = new List<float[]>[4];
        Parallel.For(0, all.Length, i => all[i] = Speak(1 + i % 2, i)); // the first batches, whose graphs are recorded, are among these
        List<float[]> expected = Speak(1, 9);
        foreach (List<float[]> frames in all) Assert.Equal(expected, frames);

        List<float[]> Speak(int count, int seed)
        {
            using CharacterGroup group = CharacterGroup.Create(
                model, GroupScript.Options with { EmotionModel = classifier, EmotionAnalysis = new EmotionAnalysisOptions { InferencesToSkip = 2 } });
            return GroupScript.Speak(group, count, seed, options: hears);
        }
    }

    [NvrtcTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Vertices_that_stay_on_the_device_are_those_that_come_down(bool diffusion)
    {
        (IDisposable model, Func<CharacterGroupOptions, CharacterGroup> create) = GroupScript.Load(diffusion);
        using (model)
        {
            List<float[]> expected;
            using (CharacterGroup host = create(GroupScript.Options with { Vertices = true })) expected = GroupScript.Speak(host, 1, 1);
            using CharacterGroup group = create(GroupScript.Options with { DeviceVertices = true, FrameRoom = 40 });
            int weights = 0;
            using CudaContext context = new(EmulatedCuda.Device(GroupScript.Architecture));
            List<float[]> found = GroupScript.Speak(group, 3, 2, frame =>
            {
                float[] values = GroupScript.Values(frame);
                weights = values.Length;
                Assert.Empty(frame.SkinVertices.ToArray());
                int rest = expected[0].Length - values.Length, skin = rest * 2 / 3;
                return [.. values, .. Download(context, frame)];
            });
            Assert.Equal(expected, found);
            Assert.True(expected[0].Length > weights);
        }

        float[] Download(CudaContext context, CharacterFrame frame)
        {
            FaceSizes sizes = diffusion ? FaceSizes.Of(((DiffusionModel)model).RigOf(0)) : FaceSizes.Of(((RegressionModel)model).Rig);
            using CudaContext.Scope scope = context.Enter();
            return [.. Read(context, frame.DeviceSkinVertices, sizes.Skin), .. Read(context, frame.DeviceTongueVertices, sizes.Tongue)];
        }
    }

    private sealed record FaceSizes(int Skin, int Tongue)
    {
        internal static FaceSizes Of(A2F.Engine.Animation.FaceRig rig) => new(3 * rig.SkinVertexCount, 3 * rig.TongueVertexCount);
    }

    private static unsafe float[] Read(CudaContext context, ulong address, int floats)
    {
        float[] values = new float[floats];
        fixed (float* target = values)
            context.Driver.Check(context.Driver.Table.MemcpyDtoH(target, new CUdeviceptr(address), (nuint)floats * sizeof(float)), "cuMemcpyDtoH");
        return values;
    }

    [NvrtcFact]
    public void A_callers_context_and_stream_are_used_and_kept()
    {
        using CallersContext caller = new(GroupScript.Device);
        List<float[]> expected, found;
        using (RegressionModel model = GroupScript.Regression())
        using (CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options))
            expected = GroupScript.Speak(group, 2, 1);
        Timeline trace = new();
        using (RegressionModel model = GroupScript.Regression(GroupScript.Gpu with { CudaContext = caller.Context, CudaStream = caller.Stream, StreamPriority = -1 }))
        using (CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options))
        {
            EmulatedDriver.Trace = trace;
            found = GroupScript.Speak(group, 2, 1);
            EmulatedDriver.Trace = null;
        }
        Assert.Equal(expected, found);
        string[] streams = [.. trace.Entries.Where(e => e.Kind == WorkKind.Kernel && e.Name == "jaw_eyes").Select(e => e.Stream).Distinct()];
        Assert.Equal(["stream 1"], streams); // the first of its context: the caller's
        Assert.True(caller.StillWorks);
    }

    [NvrtcFact]
    public void A_context_of_another_device_and_one_without_a_gpu_are_refused()
    {
        using CallersContext caller = new(EmulatedDriver.DeviceOf("sm_75"));
        A2FException elsewhere = Assert.Throws<A2FException>(() => GroupScript.Regression(GroupScript.Gpu with { CudaContext = caller.Context }));
        Assert.Contains("another device than cuda:", elsewhere.Message, StringComparison.Ordinal);
        A2FException cpu = Assert.Throws<A2FException>(() => GroupScript.Regression(new ModelOptions { Device = "cpu", CudaStream = 1 }));
        Assert.Contains("would be on the CPU", cpu.Message, StringComparison.Ordinal);
        Assert.True(caller.StillWorks);
        Assert.True(EmulatedDriver.Books(GroupScript.Device).AreZero, EmulatedDriver.Books(GroupScript.Device).ToString());
    }

    /// <summary>A context and a stream as a game engine has them.</summary>
    private sealed unsafe class CallersContext : IDisposable
    {
        internal CallersContext(int device)
        {
            nint context, stream;
            Check(((delegate* unmanaged<nint*, uint, int, int>)EmulatedDriver.Find("cuCtxCreate_v2"))(&context, 0, device));
            Check(((delegate* unmanaged<nint*, uint, int>)EmulatedDriver.Find("cuStreamCreate"))(&stream, 1));
            nint popped;
            Check(((delegate* unmanaged<nint*, int>)EmulatedDriver.Find("cuCtxPopCurrent_v2"))(&popped));
            (Context, Stream) = (context, stream);
        }

        internal nint Context { get; }

        internal nint Stream { get; }

        internal bool StillWorks
        {
            get
            {
                nint popped;
                Check(((delegate* unmanaged<nint, int>)EmulatedDriver.Find("cuCtxPushCurrent_v2"))(Context));
                int result = ((delegate* unmanaged<nint, int>)EmulatedDriver.Find("cuStreamSynchronize"))(Stream);
                Check(((delegate* unmanaged<nint*, int>)EmulatedDriver.Find("cuCtxPopCurrent_v2"))(&popped));
                return result == 0;
            }
        }

        public void Dispose() => Check(((delegate* unmanaged<nint, int>)EmulatedDriver.Find("cuCtxDestroy_v2"))(Context));

        private static void Check(int result) => Assert.Equal(0, result);
    }

    [NvrtcFact]
    public void What_is_under_way_when_a_character_starts_again_is_not_seen()
    {
        EmulatedDriver.Order = WorkOrder.Lazy;
        try
        {
            using RegressionModel model = GroupScript.Regression();
            using CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options);
            Character character = group.Add();
            character.Push(GroupScript.Audio(1));
            group.Tick(2);
            Assert.Equal(0, character.Unread);
            character.Reset();
            group.Finish();
            Assert.Equal(0, character.FramesMade);
            character.Push(GroupScript.Audio(2));
            group.Tick(1);
            group.Finish();
            Assert.Equal(1, character.FramesMade);
            CharacterFrame frame = group.CreateFrame();
            Assert.True(character.TryRead(frame));
            using CharacterGroup other = CharacterGroup.Create(model, GroupScript.Options);
            Character fresh = other.Add();
            fresh.Push(GroupScript.Audio(2));
            other.Tick(1);
            other.Finish();
            CharacterFrame expected = other.CreateFrame();
            Assert.True(fresh.TryRead(expected));
            Assert.Equal(GroupScript.Values(expected), GroupScript.Values(frame));
        }
        finally
        {
            EmulatedDriver.Order = WorkOrder.Eager;
        }
    }

    [NvrtcFact]
    public void Numbers_that_half_precision_cannot_hold_stop_their_character_alone()
    {
        using RegressionModel model = RegressionModel.Load(
            TestData.Path("fixtures/reg_w2v2"), CudaTarget.Of(GroupScript.Architecture).Options(Precision.Float16) with { MaxBatch = 4 });
        using CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options);
        List<float[]> expected = GroupScript.Speak(group, 1, 1);
        Character loud = group.Add(), soft = group.Add();
        loud.SetEmotion(Enumerable.Repeat(9e5f, model.Folder.Info.Emotions.Count).ToArray());
        loud.Push(GroupScript.Audio(0));
        soft.Push(GroupScript.Audio(0));
        soft.EndAudio();
        CharacterFrame frame = group.CreateFrame();
        List<float[]> found = [];
        for (int i = 0; i < 300 && !soft.IsFinished; i++)
        {
            group.Tick();
            while (soft.TryRead(frame)) found.Add(GroupScript.Values(frame));
        }
        Assert.Equal(expected, found);
        Assert.Equal(A2FErrorCode.NotFinite, loud.Error?.Code);
        Assert.Contains("fp32", loud.Error!.Message, StringComparison.Ordinal);
        loud.Reset();
        loud.SetEmotion([.. model.Folder.Info.DefaultEmotion]);
        loud.Push(GroupScript.Audio(0));
        group.Tick();
        group.Finish();
        Assert.Null(loud.Error);
        Assert.True(loud.TryRead(frame));
        Assert.Equal(expected[0], GroupScript.Values(frame));
    }

    [NvrtcFact]
    public void Options_that_do_not_go_together_are_refused()
    {
        using RegressionModel gpu = GroupScript.Regression(), cpu = GroupScript.Regression(new ModelOptions { Device = "cpu" });
        void Refused(string says, RegressionModel model, CharacterGroupOptions options)
        {
            A2FException e = Assert.Throws<A2FException>(() => CharacterGroup.Create(model, options));
            Assert.Contains(says, e.Message, StringComparison.Ordinal);
        }
        Refused("run on one", cpu, GroupScript.Options with { DeviceVertices = true });
        Refused("run on one", gpu, GroupScript.Options with { DeviceVertices = true, FaceDevice = "cpu" });
        Refused("choose one", gpu, GroupScript.Options with { DeviceVertices = true, Vertices = true });
        Refused("Grow", gpu, GroupScript.Options with { DeviceVertices = true, WhenFull = WhenFull.Grow });
        Refused("share of the GPU", gpu, GroupScript.Options with { GpuShare = 0 });
        Refused("share of the GPU", gpu, GroupScript.Options with { GpuShare = float.NaN });
    }

    [NvrtcFact]
    public void A_model_that_was_disposed_first_is_told_of()
    {
        RegressionModel model = GroupScript.Regression();
        CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options);
        Character character = group.Add();
        character.Push(GroupScript.Audio(1));
        model.Dispose();
        group.Tick();
        Assert.Contains("model was disposed", character.Error?.Message, StringComparison.Ordinal);
        group.Dispose();
        Assert.True(EmulatedDriver.Books(GroupScript.Device).AreZero, EmulatedDriver.Books(GroupScript.Device).ToString());
    }
}
