using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>Priorities, budgets, spread windows and reports of a group: what they do to ticks, and that they do nothing to frames.</summary>
public sealed class GroupSchedulingTests : IDisposable
{
    private const int Chunk = 267, Stride = 8000;
    private readonly RegressionModel _regression = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), Cpu);
    private readonly DiffusionModel _diffusion = DiffusionModel.Load(TestData.Path("fixtures/diff_tiny_30"), Cpu);

    private static ModelOptions Cpu => new() { Device = "cpu", Threads = 1, MaxBatch = 8 };

    [Fact]
    public void The_important_speak_first_and_nobody_starves()
    {
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions { Capacity = 6, FrameRoom = 200, StarvationTicks = 4 });
        Character[] all = [.. Enumerable.Range(0, 6).Select(i => group.Add(new CharacterOptions { Priority = i < 2 ? 1 : 0 }))];
        foreach (Character character in all) character.Push(GroupRig.Audio(1));
        for (int tick = 0; tick < 4; tick++) Assert.Equal(2, group.Tick(2));
        Assert.Equal([4, 4, 0, 0, 0, 0], all.Select(c => c.FramesMade));
        for (int tick = 0; tick < 4 + 3; tick++) group.Tick(new TickBudget { MostWindows = 2 });
        Assert.All(all, c => Assert.NotEqual(0, c.FramesMade));
        all[5].Priority = 9;
        long before = all[5].FramesMade;
        for (int tick = 0; tick < 8; tick++) group.Tick(2);
        Assert.True(all[5].FramesMade - before >= 3);
        Assert.Equal(9, all[5].Priority);
    }

    [Fact]
    public void Windows_of_many_characters_are_spread_and_frames_come_in_time()
    {
        const int Count = 64, Ticks = 240;
        using CharacterGroup group = CharacterGroup.Create(_diffusion, new CharacterGroupOptions { Capacity = Count, FrameRoom = 100 });
        Character[] all = [.. Enumerable.Range(0, Count).Select(_ => group.Add())];
        float[] audio = GroupRig.Audio(3, Ticks * Chunk);
        int most = 0, average = (int)Math.Ceiling((double)Count * Chunk / Stride);
        for (int tick = 0; tick < Ticks; tick++)
        {
            foreach (Character character in all) character.Push(audio.AsSpan(tick * Chunk, Chunk));
            int windows = group.Tick();
            long heard = (tick + 1L) * Chunk;
            if (heard >= 2 * Stride) most = Math.Max(most, windows);
            // Window n reads up to 8000 n and brings 15 frames; those of window 0 and the first 9 of window 1 lie before the audio.
            if (heard < Stride) continue;
            long first = all[0].FramesMade, promised = (heard - (Stride - Stride / 16)) / Stride * 15 - 9;
            Assert.All(all, c => Assert.True(c.FramesMade >= promised && c.FramesMade > 0, $"tick {tick}: {c.FramesMade} frames of {promised}"));
        }
        Assert.InRange(most, average, average + 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Spreading_and_budgets_change_no_bit(bool ended)
    {
        List<float[]>[] at = [Speak(true, 0), Speak(false, 0), Speak(true, 3)];
        Assert.Equal(at[0], at[1]);
        Assert.Equal(at[0], at[2]);
        Assert.True(at[0].Count > 60);

        List<float[]> Speak(bool spread, int most)
        {
            using CharacterGroup group = CharacterGroup.Create(
                _diffusion, new CharacterGroupOptions { Capacity = 9, FrameRoom = 200, SpreadWindows = spread, StarvationTicks = 2 });
            Character[] all = [.. Enumerable.Range(0, 9).Select(i => group.Add(new CharacterOptions { Priority = i % 3 }))];
            float[] audio = GroupRig.Audio(5, 25000);
            List<float[]> frames = [];
            CharacterFrame frame = group.CreateFrame();
            for (int from = 0; from < audio.Length; from += Chunk)
            {
                foreach (Character character in all) character.Push(audio.AsSpan(from, Math.Min(Chunk, audio.Length - from)));
                group.Tick(new TickBudget { MostWindows = most });
            }
            if (ended) foreach (Character character in all) character.EndAudio();
            while (group.Tick(new TickBudget { MostWindows = most }) > 0)
            {
            }
            foreach (Character character in all)
            {
                while (character.TryRead(frame)) frames.Add(frame.SkinWeights.ToArray());
            }
            return frames;
        }
    }

    [Fact]
    public void Audio_that_is_all_there_waits_for_nothing()
    {
        using CharacterGroup group = CharacterGroup.Create(_diffusion, new CharacterGroupOptions { Capacity = 20, FrameRoom = 200 });
        Character[] all = [.. Enumerable.Range(0, 20).Select(_ => group.Add())];
        foreach (Character character in all)
        {
            character.Push(GroupRig.Audio(2, 40000));
            character.EndAudio();
        }
        group.Tick();
        Assert.All(all, c => Assert.True(c.IsFinished));
        Assert.Equal(0, group.Tick());
    }

    [Fact]
    public void Who_got_frames_is_told_once_a_tick_outside_all_locks()
    {
        List<Character> told = [];
        CharacterGroup? group = null;
        int reachable = 0;
        group = CharacterGroup.Create(_regression, new CharacterGroupOptions
        {
            Capacity = 4,
            FramesReady = character =>
            {
                told.Add(character);
                // From another thread, to which a lock that the tick still held would be closed.
                if (Task.Run(() => group!.Count + character.Unread).Wait(TimeSpan.FromSeconds(20))) reachable++;
            },
        });
        using (group)
        {
            Character a = group.Add(), b = group.Add(), silent = group.Add();
            a.Push(GroupRig.Audio(1, 6000));
            b.Push(GroupRig.Audio(2, 6000));
            silent.Push(new float[100]);
            group.Tick();
            Assert.Equal([a, b], told);
            Assert.True(a.FramesMade > 1);
            Assert.Equal(2, reachable);
            group.Tick();
            Assert.Equal(2, told.Count);
            b.Push(GroupRig.Audio(2, 600));
            group.Tick();
            Assert.Equal([a, b, b], told);
        }
    }

    [Fact]
    public void A_report_may_do_anything_and_what_it_throws_leaves_the_tick()
    {
        List<(Character Who, long Made)> told = [];
        Action<Character> act = _ => throw new InvalidOperationException("from the report");
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions
        {
            Capacity = 4,
            FramesReady = character =>
            {
                told.Add((character, character.FramesMade));
                act(character);
            },
        });
        Character a = group.Add(), b = group.Add(), c = group.Add();
        CharacterFrame frame = group.CreateFrame();
        foreach (Character character in (Character[])[a, b, c]) character.Push(GroupRig.Audio(1, 6000));
        Assert.Equal("from the report", Assert.Throws<InvalidOperationException>(() => group.Tick()).Message);
        Assert.Equal([a], told.Select(t => t.Who));
        Assert.True(b.FramesMade > 0 && c.FramesMade > 0);

        act = character =>
        {
            if (character != b) return;
            Assert.True(b.TryRead(frame));
            b.Push(new float[10]);
            a.Parameters = a.Parameters with { SkinStrength = 0.5f };
            group.Remove(c); // c is not told of any more
            a.Reset();
            group.Add().Push(GroupRig.Audio(2, 6000));
            act = _ => { };
            Assert.True(group.Tick() > 0);
        };
        Assert.Equal(0, group.Tick()); // tells of those that were not told
        Assert.Equal(3, told.Count);
        Assert.Equal(b, told[1].Who);
        Assert.DoesNotContain(c, told.Select(t => t.Who));

        act = _ => group.Dispose();
        a.Push(GroupRig.Audio(1, 6000));
        Assert.True(group.Tick() > 0);
        Assert.Throws<A2FException>(() => group.Tick());
    }

    [Fact]
    public void A_character_that_was_stopped_takes_no_memory_for_audio_that_comes()
    {
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions { Capacity = 1 });
        Character character = group.Add();
        character.Parameters = character.Parameters with { InputStrength = 10 };
        character.Push(Enumerable.Repeat(9e5f, 6000).ToArray());
        float[] chunk = new float[1600];
        Step(40);
        Assert.NotNull(character.Error);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Step(400);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Step(int ticks)
        {
            for (int tick = 0; tick < ticks; tick++)
            {
                character.Push(chunk);
                group.Tick();
            }
        }
    }

    [Fact]
    public void Counts_start_again_with_the_track()
    {
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions { Capacity = 1, FrameRoom = 4 });
        Character character = group.Add();
        character.Push(GroupRig.Audio(1, 9000));
        group.Tick();
        Assert.Equal(character.FramesMade, character.Dropped + character.Unread);
        Assert.True(character.Dropped > 0);
        character.Reset();
        Assert.Equal((0, 0, 0, 0), (character.FramesMade, character.Dropped, character.Unread, character.SamplesReceived));
    }

    [Fact]
    public void Wrong_budgets_and_options_are_refused()
    {
        using CharacterGroup group = CharacterGroup.Create(_regression);
        Assert.Throws<A2FException>(() => group.Tick(new TickBudget { MostWindows = -1 }));
        Assert.Throws<A2FException>(() => group.Tick(new TickBudget { MostTime = TimeSpan.FromMilliseconds(-1) }));
        Assert.Throws<A2FException>(() => CharacterGroup.Create(_regression, new CharacterGroupOptions { StarvationTicks = -1 }));
        Assert.Equal(0, group.Tick(new TickBudget()));
    }

    public void Dispose()
    {
        _regression.Dispose();
        _diffusion.Dispose();
    }
}
