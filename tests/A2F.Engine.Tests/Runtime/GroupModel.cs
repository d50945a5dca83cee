using System.Globalization;
using A2F.Engine.Animation;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>
/// Random operations on a group, and what it should do: counts are checked after each operation, and each track is replayed by a lone character at
/// the end. Operations run on different threads, one at a time, chosen by the seed, so that a run can be repeated.
/// </summary>
internal sealed class GroupModel : IDisposable
{
    private const int MostCharacters = 5, MostSamples = 30_000;
    private readonly Random _random;
    private readonly GroupWorld _world;
    private readonly CharacterGroup _group;
    private readonly CharacterFrame _frame;
    private readonly List<Actor> _actors = [];
    private readonly List<TrackRecord> _tracks = [];
    private readonly List<string> _log = [];
    private int _names;

    private sealed class Actor(Character character, TrackRecord track, bool hears, CharacterOptions options)
    {
        public Character Character => character;

        public bool Hears => hears;

        public CharacterOptions Options => options;

        public TrackRecord Track { get; set; } = track;

        public float[]? Emotion { get; set; }
    }

    public GroupModel(GroupWorld world, int seed)
    {
        (_world, _random) = (world, new Random(seed));
        CharacterGroupOptions options = new()
        {
            Capacity = MostCharacters,
            FrameRoom = 15 + _random.Next(10),
            WhenFull = (WhenFull)_random.Next(3),
            SpreadWindows = _random.Next(3) > 0,
            StarvationTicks = _random.Next(6),
            FramesReady = _random.Next(2) == 0 ? null : character => Assert.True(character.FramesMade > 0),
        };
        _log.Add($"group: {options.WhenFull}, room {options.FrameRoom}, spread {options.SpreadWindows}, starvation {options.StarvationTicks}");
        _group = world.Create(options);
        _frame = _group.CreateFrame();
        Add();
    }

    /// <summary>What was done, the oldest first.</summary>
    public IReadOnlyList<string> Log => _log;

    /// <summary>One operation.</summary>
    public void Step()
    {
        int kind = _random.Next(100);
        if (_actors.Count == 0 || (kind < 3 && _actors.Count < MostCharacters)) Add();
        else if (kind < 30) Tick();
        else Touch(_actors[_random.Next(_actors.Count)], kind);
        foreach (Actor actor in _actors) CheckCounts(actor);
    }

    /// <summary>Lets everything run that can, then holds all tracks against lone characters.</summary>
    public void End()
    {
        _log.Add("finish");
        Finish(_group, () =>
        {
            foreach (Actor actor in _actors) ReadAll(actor);
        });
        foreach (Actor actor in _actors)
        {
            CheckCounts(actor);
            Over(actor);
            actor.Track.Made = actor.Character.FramesMade;
            Assert.True(actor.Track.IsPoisoned || actor.Character.Error is null, $"{actor.Track.Name}: {actor.Character.Error?.Message}");
            Assert.True(actor.Track.IsPoisoned || actor.Character.IsFinished == actor.Track.Ended, $"{actor.Track.Name}: finished {actor.Character.IsFinished}");
        }
        _group.Dispose();
        foreach (TrackRecord track in _tracks)
        {
            _log.Add($"replay of {track.Name}");
            track.Check(_world);
        }
    }

    /// <summary>Ticks until nothing is ready and nothing under way.</summary>
    public static void Finish(CharacterGroup group, Action read)
    {
        for (int idle = 0; idle < 2;)
        {
            idle = group.Tick() > 0 ? 0 : idle + 1;
            group.Finish();
            read();
        }
    }

    public void Dispose() => _group.Dispose();

    private void Add()
    {
        bool hears = _random.Next(3) == 0;
        CharacterOptions options = new()
        {
            Identity = _world.IsDiffusion ? _random.Next(2) : null,
            Seed = (ulong)_random.Next(9),
            HearsEmotions = hears,
            Priority = _random.Next(3),
        };
        Character character = _group.Add(options);
        TrackRecord track = new($"{(char)('a' + _names % 26)}{_names++ / 26}.0", options, null);
        _tracks.Add(track);
        _actors.Add(new Actor(character, track, hears, options));
        _log.Add($"add {track.Name}, identity {options.Identity}, hears {hears}, priority {options.Priority}");
    }

    private void Tick()
    {
        TickBudget budget = new()
        {
            MostWindows = _random.Next(2) * (1 + _random.Next(12)),
            MostTime = TimeSpan.FromMilliseconds(_random.Next(4) == 0 ? 0.01 + _random.NextDouble() : 0),
        };
        int ran = _group.Tick(budget);
        _log.Add(FormattableString.Invariant($"tick {budget.MostWindows} windows, {budget.MostTime.TotalMilliseconds:F2} ms: {ran} ran"));
        Assert.True(budget.MostWindows == 0 || ran <= budget.MostWindows, $"{ran} windows ran");
    }

    private void Touch(Actor actor, int kind)
    {
        (Character character, TrackRecord track) = (actor.Character, actor.Track);
        string log = kind switch
        {
            < 60 => Push(actor),
            < 68 => Read(actor),
            < 72 => Sample(actor),
            < 79 => Change(actor),
            < 83 => Solve(actor),
            < 87 => Feel(actor),
            < 90 => Prefer(character),
            < 92 => End(actor),
            < 95 => Reset(actor),
            < 97 => Poison(actor),
            _ => Remove(actor),
        };
        _log.Add($"{track.Name}: {log}");
    }

    private string Push(Actor actor)
    {
        long room = MostSamples - actor.Track.Pushed;
        if (actor.Track.Ended || room <= 0) return "no push";
        float[] samples = GroupRig.Audio(_random.Next(20), (int)Math.Min(room, _random.Next(_random.Next(8) == 0 ? 12_000 : 1500)));
        actor.Character.Push(samples);
        actor.Track.Audio.Add(samples);
        return $"push {samples.Length}";
    }

    private string Read(Actor actor)
    {
        if (_random.Next(2) == 0) return $"read {ReadAll(actor)}";
        bool some = actor.Character.TryRead(_frame);
        if (some) Seen(actor);
        return $"read {(some ? 1 : 0)}";
    }

    private string Sample(Actor actor)
    {
        bool known = actor.Track.Seen.Count > 0 && _random.Next(2) == 0;
        double time = known ? actor.Track.Seen.Last().Value.Time : _random.Next(MostSamples) + 0.5;
        bool inside = actor.Character.Sample(time, _frame);
        if (known && inside && _frame.Timestamp == (long)time) actor.Track.See(_frame); // the frame itself
        else if (inside) Assert.Equal((long)Math.Floor(time), _frame.Timestamp);
        return $"sample {time.ToString(CultureInfo.InvariantCulture)}: {inside}";
    }

    private string Change(Actor actor)
    {
        AnimatorParameters parameters = actor.Character.Parameters with
        {
            SkinStrength = 0.5f + _random.NextSingle(),
            LowerFaceSmoothing = 0.01f * _random.Next(5),
            FaceMaskLevel = 0.4f + 0.1f * _random.Next(3),
            InputStrength = 0.5f + 0.25f * _random.Next(4),
        };
        actor.Track.Change(actor.Character, c => c.Parameters = parameters);
        return $"parameters at window {actor.Character.FaceTurn.Windows}";
    }

    private string Solve(Actor actor)
    {
        SolverParameters solver = actor.Character.SkinSolver! with { L2Regularization = 1 + _random.NextSingle() };
        actor.Track.Change(actor.Character, c => c.SkinSolver = solver);
        return $"solver at window {actor.Character.FaceTurn.Windows}";
    }

    private string Feel(Actor actor)
    {
        float[] emotion = [.. Enumerable.Range(0, 10).Select(_ => _random.NextSingle())];
        if (actor.Hears)
        {
            Assert.Throws<A2FException>(() => actor.Character.SetEmotion(emotion));
            return "no emotion";
        }
        actor.Emotion = emotion;
        actor.Track.Change(actor.Character, c => c.SetEmotion(emotion));
        return $"emotion at window {actor.Character.FaceTurn.Windows}";
    }

    private string Prefer(Character character)
    {
        character.Priority = _random.Next(4);
        return $"priority {character.Priority}";
    }

    private static string End(Actor actor)
    {
        actor.Character.EndAudio();
        actor.Track.Ended = true;
        return "end";
    }

    private string Reset(Actor actor)
    {
        Over(actor);
        actor.Character.Reset();
        string name = actor.Track.Name;
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        int number = int.Parse(name.AsSpan(dot + 1), CultureInfo.InvariantCulture) + 1;
        CharacterOptions options = actor.Options with { Parameters = actor.Character.Parameters, SkinSolver = actor.Character.SkinSolver };
        actor.Track = new TrackRecord($"{name[..dot]}.{number}", options, actor.Emotion);
        _tracks.Add(actor.Track);
        return "reset";
    }

    // Audio that is finite, and too loud for the network with its input strength.
    private string Poison(Actor actor)
    {
        if (actor.Track.Ended) return "no poison";
        float[] samples = [.. Enumerable.Repeat(9e5f, 3000)];
        actor.Track.Change(actor.Character, c => c.Parameters = c.Parameters with { InputStrength = 10 });
        actor.Character.Push(samples);
        actor.Track.Audio.Add(samples);
        actor.Track.IsPoisoned = true;
        return "poison";
    }

    private string Remove(Actor actor)
    {
        Over(actor);
        _group.Remove(actor.Character);
        _actors.Remove(actor);
        ReadAll(actor); // frames that were made stay readable
        return "remove";
    }

    private static void Over(Actor actor) => actor.Track.Windows = actor.Character.FaceTurn.Windows;

    private int ReadAll(Actor actor)
    {
        int count = 0;
        for (; actor.Character.TryRead(_frame); count++) Seen(actor);
        return count;
    }

    private void Seen(Actor actor)
    {
        Assert.True(actor.Track.Read <= _frame.Sequence, $"{actor.Track.Name}: frame {_frame.Sequence} after {actor.Track.Read} were read");
        actor.Track.See(_frame);
        actor.Track.Read++;
    }

    private static void CheckCounts(Actor actor)
    {
        (Character character, TrackRecord track) = (actor.Character, actor.Track);
        Assert.True(character.SamplesReceived == track.Pushed, $"{track.Name}: {character.SamplesReceived} samples received, {track.Pushed} pushed");
        long accounted = track.Read + character.Unread + character.Dropped;
        Assert.True(character.FramesMade == accounted,
            $"{track.Name}: {character.FramesMade} made, {track.Read} read, {character.Unread} unread, {character.Dropped} dropped");
        Assert.True(track.IsPoisoned || character.Error is null, $"{track.Name}: {character.Error?.Message}");
    }
}
