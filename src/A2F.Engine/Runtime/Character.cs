using A2F.Engine.Animation;

namespace A2F.Engine.Runtime;

/// <summary>What a <see cref="Character"/> starts with. What is null comes from the model.</summary>
public sealed record CharacterOptions
{
    /// <summary>Number of the identity; only for diffusion models, 0 where it is null.</summary>
    public int? Identity { get; init; }

    /// <summary>Emotions over time, in the model's order. While they are open, frames wait for them. Not to be changed during a tick.</summary>
    public EmotionTrack? Emotions { get; init; }

    /// <summary>Seed of the noise, where a diffusion model's noise is seeded.</summary>
    public ulong Seed { get; init; }

    /// <summary>Characters of higher priority run first where a tick's budget is short; see <see cref="CharacterGroupOptions.StarvationTicks"/>.</summary>
    public int Priority { get; init; }

    /// <summary>Shot of the implicit emotion; only for regression models.</summary>
    public string? SourceShot { get; init; }

    /// <summary>Frame within the shot; only for regression models.</summary>
    public int? SourceFrame { get; init; }

    /// <summary>How network output becomes a face.</summary>
    public AnimatorParameters? Parameters { get; init; }

    /// <summary>How skin weights are solved for.</summary>
    public SolverParameters? SkinSolver { get; init; }

    /// <summary>How tongue weights are solved for.</summary>
    public SolverParameters? TongueSolver { get; init; }

    /// <summary>Choices about the solve that model files do not hold.</summary>
    public SolveOptions? SolveOptions { get; init; }
}

/// <summary>
/// One character of a <see cref="CharacterGroup"/>: audio in, frames out. Any thread may call any member at any time.
/// <see cref="Push"/>, <see cref="EndAudio"/>, <see cref="TryRead"/> and <see cref="Sample"/> never wait for a tick; what changes parameters waits
/// for a running one and counts from the next on.
/// </summary>
public sealed class Character
{
    private static readonly float[] Silence = new float[1600];

    private readonly CharacterGroup _group;
    private readonly AudioInbox _inbox = new();
    private readonly FrameRing _ring;
    private long _tail;

    internal Character(CharacterGroup group, Voice voice, FaceCharacter face, FrameRing ring)
    {
        (_group, Voice, Face, _ring) = (group, voice, face, ring);
        voice.InputStrength = face.Parameters.InputStrength;
        _tail = group.TailSamples;
    }

    /// <summary>The face; it names the weights.</summary>
    public FaceRig Rig => Face.Rig;

    /// <summary>Samples pushed so far.</summary>
    public long SamplesReceived => _inbox.Received;

    /// <summary>Frames made so far.</summary>
    public long FramesMade => _ring.Written;

    /// <summary>Frames that wait to be read.</summary>
    public int Unread => _ring.Unread;

    /// <summary>Frames that were dropped before anybody read them.</summary>
    public long Dropped => _ring.Dropped;

    /// <summary>What stopped the character, or null. Other characters go on; <see cref="Reset"/> starts it again.</summary>
    public A2FException? Error { get; private set; }

    /// <summary>Whether the audio has ended and all its frames are made.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>How output becomes a face.</summary>
    /// <exception cref="A2FException">A value is not finite, or the mask's softness is not above 0.</exception>
    public AnimatorParameters Parameters
    {
        get => _group.Locked(() => Face.Parameters);
        set => _group.Locked(() =>
        {
            Face.Parameters = value;
            Voice.InputStrength = value.InputStrength;
            return 0;
        });
    }

    /// <summary>How skin weights are solved for; null where the face has no skin blendshapes.</summary>
    /// <exception cref="A2FException">The face has no skin blendshapes, or a value is of wrong length or not finite.</exception>
    public SolverParameters? SkinSolver
    {
        get => _group.Locked(() => Face.SkinSolver);
        set => _group.Locked(() => Face.SkinSolver = value);
    }

    /// <summary>How tongue weights are solved for; null where the face has no tongue blendshapes.</summary>
    /// <exception cref="A2FException">The face has no tongue blendshapes, or a value is of wrong length or not finite.</exception>
    public SolverParameters? TongueSolver
    {
        get => _group.Locked(() => Face.TongueSolver);
        set => _group.Locked(() => Face.TongueSolver = value);
    }

    /// <summary>Choices about the solve that model files do not hold.</summary>
    public SolveOptions SolveOptions
    {
        get => _group.Locked(() => Face.SolveOptions);
        set => _group.Locked(() => Face.SolveOptions = value);
    }

    /// <summary>Characters of higher priority run first where a tick's budget is short. Counts from the next tick on.</summary>
    public int Priority { get; set; }

    internal Voice Voice { get; }

    internal FaceCharacter Face { get; }

    internal bool IsRemoved { get; set; }

    /// <summary>Whether the next window can run and its frames have room.</summary>
    internal bool IsReady => Error is null && Voice.IsReady && _ring.HasRoomFor(_group.MostFrames);

    /// <summary>Sets one emotion from now on, in the model's order.</summary>
    /// <exception cref="A2FException">The model has another number of emotions, or a value is not finite.</exception>
    public void SetEmotion(ReadOnlySpan<float> values)
    {
        _group.CheckEmotion(values.Length);
        EmotionTrack track = EmotionTrack.Constant(values);
        _group.Locked(() => Voice.Emotions = track);
    }

    /// <summary>Appends audio: mono, 16 kHz, full scale at -1 to 1.</summary>
    /// <exception cref="A2FException">The audio has ended, or a sample is not finite; nothing is appended then.</exception>
    public void Push(ReadOnlySpan<float> samples)
    {
        int bad = Finite.IndexOfBad(samples);
        if (bad >= 0) Finite.Check(samples[bad], $"sample {bad} of a push");
        _inbox.Push(samples);
    }

    /// <summary>
    /// Says that no more audio will come. The last frames look at silence; a little more of it follows
    /// (<see cref="CharacterGroupOptions.Tail"/>), in which the mouth closes.
    /// </summary>
    public void EndAudio() => _inbox.Close();

    /// <summary>Takes the oldest frame that was not read.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryRead(CharacterFrame frame)
    {
        _group.CheckFrame(frame);
        return _ring.TryRead(frame);
    }

    /// <summary>The face at any time of the track, linear between frames: for a renderer with a clock of its own. Does not count as reading.</summary>
    /// <param name="time">Samples at 16 kHz since the start of the audio, fractions too.</param>
    /// <param name="frame">Receives the face. Untouched where there is no frame yet.</param>
    /// <returns>
    /// Whether the time lies between two frames that are there. If not, the nearest one stands in: the oldest that is kept, or the latest.
    /// </returns>
    public bool Sample(double time, CharacterFrame frame)
    {
        if (!double.IsFinite(time)) throw new A2FException(A2FErrorCode.NotFinite, $"time: {time} is no time");
        _group.CheckFrame(frame);
        return _ring.Sample(time, frame);
    }

    /// <summary>Starts a new track: drops audio, frames and state; keeps parameters and emotions.</summary>
    public void Reset() => _group.Locked(() =>
    {
        _inbox.Reset();
        Voice.Reset();
        Face.Reset();
        _ring.Clear();
        _tail = _group.TailSamples;
        (Error, IsFinished) = (null, false);
        return 0;
    });

    /// <summary>Moves what was pushed to the voice.</summary>
    internal void Receive()
    {
        ReadOnlySpan<float> samples = _inbox.Take(out bool closed);
        if (samples.Length > 0) Voice.Push(samples);
        if (!closed || Error is not null) return;
        for (; _tail > 0; _tail -= Silence.Length) Voice.Push(Silence.AsSpan(0, (int)Math.Min(_tail, Silence.Length)));
        Voice.Close();
        IsFinished = Voice.IsFinished;
    }

    /// <summary>Takes a frame that was made.</summary>
    internal void Publish(FaceFrames frames, int frame, long timestamp, long end)
    {
        _ring.Write(frames, frame, timestamp, _inbox.Since(end));
        IsFinished = Voice.IsFinished;
    }

    /// <summary>Stops the character.</summary>
    internal void Fail(A2FException error) => Error = error;
}
