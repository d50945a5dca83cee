using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>Threads that push, read, tick, add, change and remove as fast as they can, and one that disposes of the group under them.</summary>
internal static class GroupStress
{
    private const int Speakers = 3, Samples = 12_000;

    public static void Run(GroupWorld world, TimeSpan time)
    {
        float[][] audio = [.. Enumerable.Range(0, Speakers).Select(i => GroupRig.Audio(i + 1, Samples))];
        CharacterOptions[] options = [.. Enumerable.Range(0, Speakers).Select(i => new CharacterOptions { HearsEmotions = i == 1, Priority = i })];
        List<float[]>[] expected = [.. Enumerable.Range(0, Speakers).Select(i =>
        {
            using CharacterGroup alone = world.Create(new CharacterGroupOptions { Capacity = 1, FrameRoom = 64, WhenFull = WhenFull.Grow });
            Character character = alone.Add(options[i]);
            character.Push(audio[i]);
            character.EndAudio();
            return Read(alone, character, () => alone.Tick());
        })];
        int told = 0, rounds = 0;
        List<Exception> problems = [];
        bool disposed = false;
        CharacterGroup group = world.Create(new CharacterGroupOptions
        {
            Capacity = Speakers + 2,
            FrameRoom = 64,
            WhenFull = WhenFull.Wait,
            FramesReady = _ => Interlocked.Increment(ref told),
        });
        Character[] speakers = [.. options.Select(group.Add)];
        List<Thread> threads = [];
        for (int i = 0; i < Speakers; i++)
        {
            (int index, Character speaker) = (i, speakers[i]);
            Start(random =>
            {
                for (int at = 0; at < Samples;)
                {
                    int count = Math.Min(Samples - at, random.Next(2500));
                    speaker.Push(audio[index].AsSpan(at, count));
                    at += count;
                    if (random.Next(4) == 0) Thread.Yield();
                }
                speaker.EndAudio();
                List<float[]> frames = Read(group, speaker, () =>
                {
                    if (Volatile.Read(ref disposed)) throw new A2FException(A2FErrorCode.InvalidArgument, "disposed");
                    Thread.Yield();
                });
                Assert.Equal(expected[index], frames);
                Interlocked.Increment(ref rounds);
                speaker.Reset();
            });
        }
        for (int i = 0; i < 2; i++)
        {
            Start(random =>
            {
                group.Tick(new TickBudget { MostWindows = random.Next(20), MostTime = TimeSpan.FromMilliseconds(random.Next(3)) });
                Thread.Yield();
            });
        }
        Start(random =>
        {
            Character guest = group.Add(new CharacterOptions { HearsEmotions = random.Next(2) == 0, Priority = random.Next(3) });
            guest.Push(audio[0].AsSpan(0, random.Next(Samples)));
            guest.Parameters = guest.Parameters with { SkinStrength = random.NextSingle() };
            guest.Priority = random.Next(3);
            Thread.Yield();
            group.Remove(guest);
        });
        CharacterFrame frame = group.CreateFrame();
        Start(random =>
        {
            Character speaker = speakers[random.Next(Speakers)];
            speaker.Sample(random.Next(Samples), frame);
            _ = speaker.FramesMade + speaker.Dropped + speaker.Unread + speaker.SamplesReceived + group.Count;
            Thread.Yield();
        });
        Thread.Sleep(time);
        Volatile.Write(ref disposed, true);
        group.Dispose();
        foreach (Thread thread in threads) Assert.True(thread.Join(TimeSpan.FromSeconds(30)), "a thread does not end");
        Assert.Empty(problems);
        Assert.True(rounds >= Speakers && told > 0, $"{rounds} rounds, told {told} times");

        void Start(Action<Random> round)
        {
            Random random = new(threads.Count);
            Thread thread = new(() =>
            {
                try
                {
                    while (!Volatile.Read(ref disposed)) round(random);
                }
                catch (A2FException e) when (Volatile.Read(ref disposed) && e.Message.Contains("disposed", StringComparison.Ordinal))
                {
                }
                catch (Exception e)
                {
                    lock (problems) problems.Add(e);
                }
            });
            threads.Add(thread);
            thread.Start();
        }
    }

    private static List<float[]> Read(CharacterGroup group, Character character, Action wait)
    {
        List<float[]> frames = [];
        CharacterFrame frame = group.CreateFrame();
        while (true)
        {
            bool last = character.IsFinished; // asked before: what comes after the last frame is nothing
            while (character.TryRead(frame)) frames.Add(frame.SkinWeights.ToArray());
            if (last) return frames;
            Assert.Null(character.Error);
            wait();
        }
    }
}
