using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>How work of groups flows through a GPU: what overlaps, what waits, what is allocated, what happens when a call fails.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaPipelineFlowTests : IDisposable
{
    public void Dispose()
    {
        EmulatedDriver.FailNone();
        EmulatedDriver.Trace = null;
        EmulatedDriver.Order = WorkOrder.Eager;
        QuietDriver.Quiet = false;
    }

    [NvrtcTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Copies_of_a_batch_overlap_the_kernels_of_another(bool diffusion)
    {
        EmulatedDriver.Order = WorkOrder.Lazy;
        (IDisposable model, Func<CharacterGroupOptions, CharacterGroup> create) = GroupScript.Load(diffusion);
        using (model)
        {
            using CharacterGroup group = create(GroupScript.Options with { Capacity = 3, SpreadWindows = false });
            Character[] characters = [.. Enumerable.Range(0, 3).Select(_ => group.Add())];
            foreach (Character character in characters)
            {
                for (int i = 0; i < 20; i++) character.Push(GroupScript.Audio(1));
            }
            foreach (int windows in (int[])[3, 2, 1, 3]) // warm: graphs are recorded, faces are there
            {
                group.Tick(windows);
                group.Finish();
            }
            Timeline trace = new();
            EmulatedDriver.Trace = trace;
            Assert.Equal(2, group.Tick(2)); // a batch of 2
            Assert.Equal(1, group.Tick(1)); // and one of 1, while nothing of the first was waited for
            Assert.Equal(0, group.Tick(1)); // both slots are under way
            group.Finish();
            EmulatedDriver.Trace = null;
            TimelineEntry[] entries = [.. trace.Entries.OrderBy(e => e.QueuedBy)];
            TimelineEntry[] up = Of(WorkKind.HostToDevice), down = Of(WorkKind.DeviceToHost);
            Assert.Equal((2, 2), (up.Length, down.Length));
            TimelineEntry[] first = Kernels(0, down[0].QueuedBy), second = Kernels(down[0].QueuedBy, long.MaxValue);
            Assert.True(first.Length > 3 && second.Length > 3);
            Assert.All(second, kernel => Assert.True(down[0].MayOverlap(kernel), $"the first batch comes down before {kernel.Name} of the second"));
            Assert.All(first, kernel => Assert.True(up[1].MayOverlap(kernel), $"the second batch goes up after {kernel.Name} of the first"));
            Assert.All(first, kernel => Assert.False(up[0].MayOverlap(kernel)));
            Assert.All(second, kernel => Assert.False(down[1].MayOverlap(kernel)));
            Assert.All(second, kernel => Assert.All(first, before => Assert.False(kernel.MayOverlap(before))));

            TimelineEntry[] Of(WorkKind kind) => [.. entries.Where(e => e.Kind == kind)];
            TimelineEntry[] Kernels(long after, long before) =>
                [.. entries.Where(e => e.Kind == WorkKind.Kernel && e.QueuedBy > after && e.QueuedBy < before)];
        }
    }

    [NvrtcTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_thousand_warm_ticks_allocate_nothing_and_wait_for_nothing(bool diffusion)
    {
        ModelOptions gpu = GroupScript.Gpu with { CudaDriver = QuietDriver.Find };
        (IDisposable model, Func<CharacterGroupOptions, CharacterGroup> create) = GroupScript.Load(diffusion, gpu);
        using (model)
        {
            using EmotionModel classifier = EmotionModel.Load(TestData.Path("fixtures/emo_base"), gpu with { EmotionWindow = 2000 });
            using CharacterGroup group = create(GroupScript.Options with
            {
                EmotionModel = classifier,
                EmotionAnalysis = new EmotionAnalysisOptions { InferencesToSkip = 2 },
            });
            Character[] characters = [.. Enumerable.Range(0, 4).Select(i => group.Add(new CharacterOptions { HearsEmotions = i < 2 }))];
            CharacterFrame frame = group.CreateFrame();
            float[] audio = new float[400];
            int frames = 0;
            for (int i = 0; i < 60; i++) Tick();
            group.Finish();
            QuietDriver.Quiet = true;
            for (int i = 0; i < 60; i++) Tick();
            (frames, QuietDriver.Count) = (0, 0);
            long others = EmulatedDriver.Calls, before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++) Tick();
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            others = EmulatedDriver.Calls - others;
            QuietDriver.Quiet = false;
            Assert.Equal(0, allocated);
            Assert.True(others == 0, $"{others} calls besides copies, launches, events and entering the context, of which none waits or takes memory");
            Assert.True(frames > 500, $"{frames} frames");
            Assert.True(QuietDriver.Count > 10000, $"{QuietDriver.Count} calls");

            void Tick()
            {
                foreach (Character character in characters) character.Push(audio);
                group.Tick();
                group.Poll();
                foreach (Character character in characters)
                {
                    while (character.TryRead(frame)) frames++;
                }
            }
        }
    }

    [NvrtcTheory]
    [InlineData(false, 999, 12)]
    [InlineData(false, 2, 6)]
    [InlineData(true, 999, 3)]
    public void Any_call_of_a_tick_may_fail_and_the_next_ticks_work(bool diffusion, int result, int tries)
    {
        (IDisposable model, Func<CharacterGroupOptions, CharacterGroup> create) = GroupScript.Load(diffusion);
        using (model)
        {
            using CharacterGroup group = create(GroupScript.Options with { Tail = TimeSpan.Zero });
            Character[] characters = [.. Enumerable.Range(0, 2).Select(_ => group.Add())];
            float[] audio = GroupScript.Audio(1);
            List<float[]> expected = Speak();
            long before = EmulatedDriver.Calls;
            Speak();
            long calls = EmulatedDriver.Calls - before;
            int errors = 0;
            for (long n = 1; n <= calls; n += calls / tries)
            {
                EmulatedDriver.FailCall(n, result);
                Speak();
                Assert.NotNull(EmulatedDriver.FailedCall);
                EmulatedDriver.FailNone();
                foreach (Character character in characters)
                {
                    if (character.Error is not { } error) continue;
                    errors++;
                    Assert.True(error.Code is A2FErrorCode.DeviceUnavailable or A2FErrorCode.OutOfMemory, error.Message);
                }
                Assert.Equal(expected, Speak());
                Assert.All(characters, character => Assert.Null(character.Error));
            }
            Assert.True(errors >= tries / 2, $"{errors} errors");

            List<float[]> Speak()
            {
                CharacterFrame frame = group.CreateFrame();
                List<float[]> frames = [];
                foreach (Character character in characters)
                {
                    character.Reset();
                    character.Push(audio.AsSpan(0, 1600));
                    character.EndAudio();
                }
                for (int i = 0; i < 40 && !characters.All(c => c.IsFinished || c.Error is not null); i++)
                {
                    group.Tick();
                    group.Poll();
                    while (characters[0].TryRead(frame)) frames.Add(GroupScript.Values(frame));
                }
                return frames;
            }
        }
        Assert.True(EmulatedDriver.Books(GroupScript.Device).AreZero, EmulatedDriver.Books(GroupScript.Device).ToString());
    }

    [NvrtcFact]
    public void A_lost_device_is_told_of_by_each_character_and_nothing_is_left()
    {
        using (RegressionModel model = GroupScript.Regression())
        {
            CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options);
            Character[] characters = [.. Enumerable.Range(0, 4).Select(_ => group.Add())];
            foreach (Character character in characters) character.Push(GroupScript.Audio(1));
            group.Tick(3);
            EmulatedDriver.FailCall(1, 700, "cuLaunchKernel");
            group.Tick();
            group.Finish();
            EmulatedDriver.FailNone();
            Assert.All(characters, character => Assert.Equal(A2FErrorCode.DeviceUnavailable, character.Error?.Code));
            group.Tick();
            group.Dispose();
        }
        Assert.True(EmulatedDriver.Books(GroupScript.Device).AreZero, EmulatedDriver.Books(GroupScript.Device).ToString());
    }

    [NvrtcFact]
    public void A_group_keeps_to_its_share_of_the_device()
    {
        double now = 0;
        GpuShare share = new(0.25f, () => now);
        Assert.True(share.Allows);
        float estimated = share.Begin(4);
        Assert.Equal(0, estimated);
        share.End(estimated, 4, 8); // 8 ms: the next may begin 32 ms after
        Assert.False(share.Allows);
        now = 0.0319;
        Assert.False(share.Allows);
        now = 0.0321;
        Assert.True(share.Allows);
        Assert.Equal(4, share.Begin(2)); // 2 ms each, as measured: 16 ms from here
        now = 0.0480;
        Assert.False(share.Allows);
        share.End(4, 2, 2); // took 2 only: 8 ms
        Assert.True(share.Allows);

        using RegressionModel model = GroupScript.Regression();
        using CharacterGroup group = CharacterGroup.Create(model, GroupScript.Options with { GpuShare = 0.0001f });
        Character character = group.Add();
        character.Push(GroupScript.Audio(1));
        Assert.Equal(1, group.Tick(1));
        group.Finish();
        Assert.Equal(0, group.Tick(1)); // whatever it took, ten thousand times as long has not passed
    }
}
