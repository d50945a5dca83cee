using System.Diagnostics;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>Speaking characters in real time: each tick brings every character the audio of one tick. Each one's audio starts elsewhere.</summary>
internal sealed class CharactersStage : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly CharacterGroup _group;
    private readonly Character[] _all;
    private readonly CharacterFrame _frame;
    private readonly float[] _audio;
    private readonly int _rate;
    private readonly long _start;
    private long _tick;

    public CharactersStage(CharactersOptions options, float[] audio, int count)
    {
        (_audio, _rate) = (audio, options.Rate);
        ModelOptions there = options.ModelOptions(count);
        CharacterGroupOptions group = options.GroupOptions(count);
        try
        {
            if (options.Emotions is { } folder)
            {
                EmotionModel classifier = EmotionModel.Load(folder, there with { MaxBatch = Math.Min(there.MaxBatch, 8) });
                _owned.Add(classifier);
                group = group with { EmotionModel = classifier };
            }
            if (ModelFolders.KindOf(options.Model) == ModelKind.Diffusion)
            {
                DiffusionModel diffusion = DiffusionModel.Load(options.Model, there);
                _owned.Add(diffusion);
                (_group, Device) = (CharacterGroup.Create(diffusion, group), diffusion.Device);
            }
            else
            {
                RegressionModel regression = RegressionModel.Load(options.Model, there);
                _owned.Add(regression);
                (_group, Device) = (CharacterGroup.Create(regression, group), regression.Device);
            }
            _owned.Add(_group);
            _all = [.. Enumerable.Range(0, count).Select(_ => _group.Add(new CharacterOptions { HearsEmotions = options.Emotions is not null }))];
        }
        catch
        {
            Dispose();
            throw;
        }
        _frame = _group.CreateFrame();
        _start = Stopwatch.GetTimestamp();
    }

    /// <summary>What the network runs on.</summary>
    public string Device { get; }

    /// <summary>Milliseconds of each tick.</summary>
    public Histogram Ticks { get; } = new();

    /// <summary>Milliseconds of each frame, from the push that completed its audio to when it could be read.</summary>
    public Histogram Latencies { get; } = new();

    /// <summary>Ticks that ended after the next one was due.</summary>
    public long Late { get; private set; }

    /// <summary>Frames that nobody read in time.</summary>
    public long Dropped => _all.Sum(c => c.Dropped);

    /// <summary>Forgets what was measured.</summary>
    public void Clear()
    {
        Ticks.Clear();
        Latencies.Clear();
        Late = 0;
    }

    /// <summary>Runs ticks at their times; those of an emulator one after another.</summary>
    public void Run(double seconds, bool paced)
    {
        double period = 1000.0 / _rate;
        for (long last = _tick + Math.Max(1, (long)(seconds * _rate)); _tick < last; _tick++)
        {
            double due = _tick * period, now = Stopwatch.GetElapsedTime(_start).TotalMilliseconds;
            if (paced && now < due) Thread.Sleep(TimeSpan.FromMilliseconds(due - now));
            long from = _tick * AudioClip.SampleRate / _rate, to = (_tick + 1) * AudioClip.SampleRate / _rate;
            for (int i = 0; i < _all.Length; i++) Push(_all[i], from + 7919L * i, (int)(to - from));
            long before = Stopwatch.GetTimestamp();
            _group.Tick();
            Ticks.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
            for (int i = 0; i < _all.Length; i++)
            {
                while (_all[i].TryRead(_frame)) Latencies.Add(_frame.Latency.TotalMilliseconds);
            }
            if (Stopwatch.GetElapsedTime(_start).TotalMilliseconds > due + period) Late++;
        }
    }

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
    }

    private void Push(Character character, long from, int count)
    {
        for (int done = 0; done < count;)
        {
            int at = (int)((from + done) % _audio.Length), part = Math.Min(count - done, _audio.Length - at);
            character.Push(_audio.AsSpan(at, part));
            done += part;
        }
    }
}
