using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>Who runs in a tick, without characters: turns are given what is ready, and windows take no time.</summary>
public sealed class TickScheduleTests
{
    [Fact]
    public void Higher_priorities_go_first_and_equal_ones_take_turns()
    {
        Desk desk = new(starvation: 1000, 0, 5, 0, 5, -3);
        List<int> order = [];
        for (int tick = 0; tick < 3; tick++) order.AddRange(desk.Tick(2, _ => true));
        Assert.Equal([1, 3, 1, 3, 1, 3], order);
        Assert.Equal([1, 3, 0, 2, 4], desk.Tick(5, _ => true));
        Assert.Equal([0, 2, 4, 0], desk.Tick(4, i => i is not (1 or 3)));
        Assert.Equal([2, 0, 4, 2], desk.Tick(4, i => i is not (1 or 3)));
    }

    [Fact]
    public void Nobody_has_a_second_window_before_all_that_are_ready_had_one()
    {
        Random random = new(3);
        for (int run = 0; run < 200; run++)
        {
            int count = 1 + random.Next(9);
            Desk desk = new(random.Next(5), [.. Enumerable.Range(0, count).Select(_ => random.Next(3))]);
            for (int tick = 0; tick < 20; tick++)
            {
                bool[] ready = [.. Enumerable.Range(0, count).Select(_ => random.Next(3) > 0)];
                List<int> ran = desk.Tick(1 + random.Next(3 * count), i => ready[i]);
                int[] windows = [.. Enumerable.Range(0, count).Select(i => ran.Count(r => r == i))];
                int most = windows.Max(), least = Enumerable.Range(0, count).Where(i => ready[i]).Select(i => windows[i]).DefaultIfEmpty(most).Min();
                Assert.True(most - least <= 1, $"run {run}: {string.Join(' ', windows)}");
            }
        }
    }

    [Fact]
    public void Whoever_is_ready_runs_within_the_bound_whatever_the_priorities()
    {
        Random random = new(5);
        int longest = 0;
        for (int run = 0; run < 300; run++)
        {
            int count = 1 + random.Next(20), starvation = random.Next(12), least = 1 + random.Next(4), busy = random.Next(2, 12);
            Desk desk = new(starvation, [.. Enumerable.Range(0, count).Select(_ => random.Next(4))]);
            bool[] ready = new bool[count];
            int[] waited = new int[count]; // ticks in which it could have run, this one included
            for (int tick = 0; tick < 120; tick++)
            {
                for (int i = 0; i < count; i++) ready[i] |= random.Next(busy) > 0;
                List<int> ran = desk.Tick(least + random.Next(2), i => ready[i]);
                for (int i = 0; i < count; i++)
                {
                    waited[i] = ready[i] ? waited[i] + 1 : 0;
                    longest = Math.Max(longest, waited[i]);
                    Assert.True(waited[i] <= starvation + (count + least - 1) / least,
                        $"run {run}: {count} turns, {starvation} ticks, {least} windows: turn {i} is in its {waited[i]}th tick");
                    if (!ran.Contains(i)) continue;
                    (waited[i], ready[i]) = (0, random.Next(3) > 0);
                }
            }
        }
        Assert.True(longest > 12, $"the bound was hardly tried: {longest} ticks at most");
    }

    [Theory]
    [InlineData(64, 267, 8000)]
    [InlineData(1, 267, 8000)]
    [InlineData(30, 267, 8000)]
    [InlineData(257, 533, 8000)]
    [InlineData(1000, 267, 8000)]
    public void Windows_that_become_ready_together_run_in_even_shares(int count, int chunk, int stride)
    {
        Desk desk = new(starvation: 8, new int[count]);
        int average = (int)Math.Ceiling((double)count * chunk / stride), most = 0;
        for (int tick = 0; tick < 400; tick++)
        {
            int ran = desk.TickOfAudio(_ => chunk, stride).Count;
            if (tick * chunk > 2 * stride) most = Math.Max(most, ran);
        }
        int ticks = (stride - stride / 16) / chunk; // in which those that become ready at once may run
        Assert.InRange(most, average, Math.Max(average, (count + ticks - 1) / ticks));
    }

    [Fact]
    public void Windows_that_wait_run_before_their_deadlines_however_audio_comes()
    {
        Random random = new(11);
        for (int run = 0; run < 60; run++)
        {
            int count = 1 + random.Next(60), stride = 4000 + random.Next(8000), chunk = 100 + random.Next(2000), period = 1 + random.Next(6);
            Desk desk = new(starvation: 8, [.. Enumerable.Range(0, count).Select(_ => random.Next(3))]);
            int[] begin = [.. Enumerable.Range(0, count).Select(_ => random.Next(100))];
            for (int tick = 0; tick < 300; tick++)
            {
                int now = tick;
                desk.TickOfAudio(i => now < begin[i] || (now - begin[i]) % period != 0 ? 0 : chunk, stride);
                for (int i = 0; i < count; i++)
                {
                    Assert.True(desk.Overdue(i, stride) <= 0, $"run {run}, tick {tick}: turn {i} is {desk.Overdue(i, stride)} samples late");
                }
            }
        }
    }

    [Fact]
    public void Windows_run_on_when_audio_stops()
    {
        Desk desk = new(starvation: 8, new int[40]);
        for (int tick = 0; tick < 60; tick++) desk.TickOfAudio(_ => 267, 8000);
        int idle = 0;
        for (int tick = 0; tick < 40; tick++) idle = desk.TickOfAudio(_ => 0, 8000).Count == 0 ? idle + 1 : 0;
        Assert.True(idle > 3, "all that was ready has run");
        for (int i = 0; i < 40; i++) Assert.Equal(60 * 267 / 8000, desk.Windows(i));
    }

    /// <summary>A schedule and its turns.</summary>
    private sealed class Desk
    {
        private readonly TickSchedule _schedule;
        private readonly List<Turn> _turns = [], _order = [];
        private readonly long[] _received, _windows;

        public Desk(int starvation, params int[] priorities)
        {
            _schedule = new TickSchedule(starvation);
            foreach (int priority in priorities)
            {
                Turn turn = new() { Priority = priority };
                _turns.Add(turn);
                _schedule.Join(turn);
            }
            (_received, _windows) = (new long[priorities.Length], new long[priorities.Length]);
        }

        public long Windows(int turn) => _windows[turn];

        /// <summary>A tick of so many windows; who ran. Whoever is ready stays so.</summary>
        public List<int> Tick(int most, Func<int, bool> ready)
        {
            for (int i = 0; i < _turns.Count; i++) _turns[i].Offer(ready(i));
            _schedule.BeginTick(_turns);
            List<int> ran = [];
            while (ran.Count < most)
            {
                _schedule.NextRound(_turns, _order);
                if (_order.Count == 0) break;
                foreach (Turn turn in _order.Take(most - ran.Count).ToList())
                {
                    _schedule.Ran(turn);
                    ran.Add(_turns.IndexOf(turn));
                }
            }
            return ran;
        }

        /// <summary>A tick in which audio comes: window n is ready when n + 1 strides are there, and may wait for 15/16 of another.</summary>
        public List<int> TickOfAudio(Func<int, int> samples, int stride)
        {
            for (int i = 0; i < _turns.Count; i++)
            {
                int more = samples(i);
                _received[i] += more;
                _turns[i].Hear(more);
                Offer(i, stride);
            }
            _schedule.BeginTick(_turns);
            List<int> ran = [];
            while (true)
            {
                _schedule.NextRound(_turns, _order);
                if (_order.Count == 0) return ran;
                foreach (Turn turn in _order)
                {
                    int i = _turns.IndexOf(turn);
                    _schedule.Ran(turn);
                    _windows[i]++;
                    ran.Add(i);
                    Offer(i, stride);
                }
            }
        }

        /// <summary>Samples that have come since a window's deadline, where it has not run.</summary>
        public long Overdue(int turn, int stride) => -Slack(turn, stride);

        private long Slack(int i, int stride) => (_windows[i] + 1) * stride + stride - stride / 16 - _received[i];

        private void Offer(int i, int stride) => _turns[i].Offer(_received[i] >= (_windows[i] + 1) * stride, Slack(i, stride), stride);
    }
}
