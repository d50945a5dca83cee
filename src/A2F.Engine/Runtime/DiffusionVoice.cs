using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>A character's speech on a diffusion network: a track that yields a block of frames a window.</summary>
internal sealed class DiffusionVoice(DiffusionModel model, DiffusionTrackOptions options) : Voice
{
    private readonly DiffusionTrackState _start = new DiffusionTrack(model, options).SaveState();

    internal DiffusionTrack Track { get; } = new(model, options);

    public override EmotionTrack Emotions
    {
        set => Track.Emotions = value;
    }

    public override float InputStrength
    {
        set => Track.InputStrength = value;
    }

    public override bool IsReady => Track.IsReady;

    public override bool IsFinished => Track.IsFinished;

    public override long NextEnd => Track.NextEnd;

    public override int Count => Track.Frames.Count;

    public override ReadOnlySpan<float> Rows => Track.Frames.Rows;

    public override ReadOnlySpan<long> Timestamps => Track.Frames.Timestamps;

    public override void ReadInput(int input, Span<float> row) => Track.ReadInput(input, row);

    public override (int First, int Count) ReadTimestamps(Span<long> timestamps) => Track.ReadTimestamps(timestamps);

    public override void Begin()
    {
    }

    public override void End(ReadOnlySpan<float> state) => Track.End(state);

    public override void Push(ReadOnlySpan<float> samples) => Track.Push(samples);

    public override void Close() => Track.Close();

    public override void Reset()
    {
        (EmotionTrack emotions, float strength) = (Track.Emotions, Track.InputStrength);
        Track.RestoreState(_start);
        (Track.Emotions, Track.InputStrength) = (emotions, strength);
    }
}

/// <summary>A diffusion network for all characters of a group.</summary>
internal sealed class DiffusionVoices : VoiceNetwork
{
    private readonly DiffusionModel _model;
    private readonly bool _features;
    private readonly List<DiffusionTrack> _tracks;

    internal DiffusionVoices(DiffusionModel model, bool features)
    {
        (_model, _features, Rate) = (model, features, model.Folder.Info.FrameRateFraction);
        Rigs = [.. Enumerable.Range(0, model.IdentityCount).Select(i => features ? model.FeatureRigOf(i) : model.RigOf(i))];
        _tracks = new List<DiffusionTrack>(model.MaxBatch);
    }

    public override int MostFrames => _model.CentreFrames;

    public override int MaxBatch => _model.MaxBatch;

    public override int MostUnderWay => 1;

    public override IReadOnlyList<string?> InputNames { get; } = ["audio window", "identity", "emotions of window", "state", null];

    public override (CudaOperators Operators, IBatchNetwork Network)? OnGpu => _model.OnGpu(_features);

    public override object Gate => _model.Gate;

    public override IReadOnlyList<FaceRig> Rigs { get; }

    public override (int Numerator, int Denominator) Rate { get; }

    public override Voice Create(CharacterOptions options, out FaceRig rig, out AnimationSettings settings)
    {
        if (options.SourceShot is not null || options.SourceFrame is not null)
            throw new A2FException(A2FErrorCode.InvalidArgument, "a diffusion model has no implicit emotion; leave the source shot and frame out");
        DiffusionVoice voice = new(_model, new DiffusionTrackOptions
        {
            Identity = options.Identity ?? 0,
            Emotions = options.Emotions,
            Seed = options.Seed,
            Features = _features,
        });
        (rig, settings) = (Rigs[voice.Track.Identity], _model.Folder.Identities[voice.Track.Identity].Settings);
        return voice;
    }

    public override void Run(IReadOnlyList<Voice> voices)
    {
        _tracks.Clear();
        for (int i = 0; i < voices.Count; i++) _tracks.Add(((DiffusionVoice)voices[i]).Track);
        DiffusionTrack.Advance(_tracks);
    }
}
