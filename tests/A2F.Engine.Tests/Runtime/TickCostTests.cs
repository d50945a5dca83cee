using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>How long ticks take, by a clock that only batches move.</summary>
public sealed class TickCostTests
{
    [Fact]
    public void A_line_through_batches_is_found_and_followed()
    {
        TickCost cost = new();
        Assert.Equal(1, cost.MostWithin(1e-9, 50));
        Random random = new(1);
        for (int i = 0; i < 200; i++) Learn(0.002, 0.0005);
        Assert.Equal(0.002 + 10 * 0.0005, cost.Predict(10), 1e-6);
        Assert.Equal(16, cost.MostWithin(0.0101, 50));
        Assert.Equal(0, cost.MostWithin(0.002, 50));
        Assert.Equal(50, cost.MostWithin(1, 50));
        for (int i = 0; i < 200; i++) Learn(0.001, 0.001);
        Assert.Equal(0.001 + 10 * 0.001, cost.Predict(10), 1e-6);

        void Learn(double once, double each)
        {
            int windows = 1 + random.Next(32);
            cost.Learn(windows, once + each * windows);
        }
    }

    [Fact]
    public void Batches_of_one_size_tell_what_a_window_costs()
    {
        TickCost cost = new();
        for (int i = 0; i < 20; i++) cost.Learn(8, 0.004);
        Assert.Equal(0.002, cost.Predict(4), 1e-9);
    }

    [Fact]
    public void A_tick_ends_within_its_time_and_uses_it()
    {
        Clock clock = new();
        (CharacterGroup group, List<Character> all, TickLoop loop) = Loop(clock, once: 0.4, each: 0.05, jitter: 0);
        using (group)
        {
            TickBudget budget = new() { MostTime = TimeSpan.FromMilliseconds(4) };
            Assert.InRange(loop.Run(all, budget), 1, 40);
            for (int tick = 0; tick < 100; tick++)
            {
                double before = clock.Milliseconds;
                int windows = loop.Run(all, budget);
                double took = clock.Milliseconds - before;
                Assert.True(took <= 4, $"tick {tick} took {took} ms");
                if (tick > 20) Assert.True(took > 3.2, $"tick {tick} took {took} ms for {windows} windows");
            }
        }
    }

    [Fact]
    public void Ticks_keep_to_their_time_where_batches_differ()
    {
        Clock clock = new();
        (CharacterGroup group, List<Character> all, TickLoop loop) = Loop(clock, once: 0.2, each: 0.2, jitter: 0.3);
        using (group)
        {
            int late = 0;
            double worst = 0;
            for (int tick = 0; tick < 300; tick++)
            {
                double before = clock.Milliseconds;
                loop.Run(all, new TickBudget { MostTime = TimeSpan.FromMilliseconds(2.5) });
                if (tick < 20) continue;
                worst = Math.Max(worst, clock.Milliseconds - before);
                if (clock.Milliseconds - before > 2.5) late++;
            }
            Assert.True(late < 28 && worst < 3, $"{late} of 280 ticks were late, the worst took {worst} ms");
        }
    }

    [Fact]
    public void A_time_too_short_for_anything_still_runs_a_window()
    {
        Clock clock = new();
        (CharacterGroup group, List<Character> all, TickLoop loop) = Loop(clock, once: 3, each: 1, jitter: 0);
        using (group)
        {
            for (int tick = 0; tick < 30; tick++) Assert.Equal(1, loop.Run(all, new TickBudget { MostTime = TimeSpan.FromTicks(1) }));
            Assert.Equal(17, loop.Run(all, new TickBudget { MostWindows = 17 }));
        }
    }

    // A tick loop whose batches take made-up times, on characters that always have another window.
    private static (CharacterGroup Group, List<Character> All, TickLoop Loop) Loop(Clock clock, double once, double each, double jitter)
    {
        RegressionModel model = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), new ModelOptions { Device = "cpu", Threads = 1 });
        CharacterGroup group = CharacterGroup.Create(model, new CharacterGroupOptions { Capacity = 40 });
        List<Character> all = [.. Enumerable.Range(0, 40).Select(_ => group.Add())];
        foreach (Character character in all) character.Push(new float[16000]);
        TickLoop loop = new(new Runner(clock, once, each, jitter), null, 8, clock);
        foreach (Character character in all) loop.Add(character);
        return (group, all, loop);
    }

    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public double Milliseconds => TimeSpan.FromTicks(_ticks).TotalMilliseconds;

        public override long GetTimestamp() => _ticks;

        public void Pass(double milliseconds) => _ticks += TimeSpan.FromMilliseconds(milliseconds).Ticks;
    }

    private sealed class Runner(Clock clock, double once, double each, double jitter) : WindowRunner
    {
        private readonly Random _random = new(1);

        public override int MostBatch => 16;

        public override bool HasRoom => true;

        public override void Begin(IReadOnlyList<Character> batch) => clock.Pass((once + each * batch.Count) * (1 + jitter * (_random.NextDouble() - 0.5)));

        public override void Collect(bool wait)
        {
        }

        public override void Dispose()
        {
        }
    }
}
