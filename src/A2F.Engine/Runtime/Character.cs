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

    /// <summary>
    /// Whether the emotions are heard in the audio, by <see cref="CharacterGroupOptions.EmotionModel"/>. Not together with <see cref="Emotions"/>.
    /// </summary>
    public bool HearsEmotions { get; init; }

    /// <summary>How heard scores become emotions; where it is null, as <see cref="CharacterGroupOptions.EmotionAnalysis"/> or the classifier's folder says.</summary>
    public EmotionParameters? EmotionParameters { get; init; }

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
    private long _tail, _received;
    private bool _closed, _speaks, _removed;

    internal Character(CharacterGroup group, Voice voice, FaceCharacter face, FrameRing ring, EmotionListener? ears)
    {
        (_group, Voice, Face, _ring, Ears) = (group, voice, face, ring, ears);
        voice.InputStrength = face.Parameters.InputStrength;
        _tail = group.TailSamples;
        FaceTurn = new Turn { Character = this };
        if (ears is null) return;
        EarTurn = new Turn { Character = this, Hears = true };
        voice.Emotions = ears.Track;
    }

    /// <summary>The face; it names the weights.</summary>
    public FaceRig Rig => Face.Rig;

    /// <summary>Samples pushed so far.</summary>
    public long SamplesReceived => _inbox.Received;

    /// <summary>Frames made so far.</summary>
    public long FramesMade => _ring.Written;

    /// <summary>Frames that wait to be read.</summary>
    public int Unread => _ring.Unread;

    /// <summary>Frames of this track that were dropped before anybody read them.</summary>
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

    /// <summary>How heard scores become emotions; null where the character does not hear them. Counts from the classifier's next window on.</summary>
    /// <exception cref="A2FException">The character does not hear emotions, or a value is wrong.</exception>
    public EmotionParameters? EmotionParameters
    {
        get => _group.Locked(() => Ears?.Parameters);
        set => _group.Locked(() =>
        {
            if (Ears is null || value is null)
            {
                throw new A2FException(A2FErrorCode.InvalidArgument, Ears is null
                    ? "emotion parameters: the character does not hear emotions; add it with CharacterOptions.HearsEmotions"
                    : "emotion parameters: null is none");
            }
            return Ears.Parameters = value;
        });
    }

    internal Voice Voice { get; }

    internal EmotionListener? Ears { get; }

    internal Turn FaceTurn { get; }

    internal Turn? EarTurn { get; }

    /// <summary>Whether frames came that <see cref="CharacterGroupOptions.FramesReady"/> was not told of.</summary>
    internal bool HasNews { get; set; }

    internal FaceCharacter Face { get; }

    internal bool IsRemoved
    {
        get => Volatile.Read(ref _removed);
        set => Volatile.Write(ref _removed, value);
    }

    /// <summary>Windows that have begun and whose frames are not there yet.</summary>
    internal int UnderWay { get; set; }

    /// <summary>Number of the track: those windows are of no use to the next one.</summary>
    internal int Track { get; private set; }

    /// <summary>Frames of the track that windows have begun with.</summary>
    internal long FramesBegun { get; set; }

    /// <summary>Whether the next window can run and its frames have room.</summary>
    internal bool IsReady => Error is null && UnderWay < _group.MostUnderWay && Voice.IsReady && _ring.HasRoomFor(_group.MostFrames * (UnderWay + 1));

    /// <summary>Sets one emotion from now on, in the model's order.</summary>
    /// <exception cref="A2FException">The model has another number of emotions, a value is not finite, or the character hears its emotions.</exception>
    public void SetEmotion(ReadOnlySpan<float> values)
    {
        _group.CheckEmotion(values.Length);
        if (Ears is not null)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                "the character hears its emotions, so none can be set; prefer one by EmotionParameters.Preferred, or add it without CharacterOptions.HearsEmotions");
        }
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

    /// <summary>Starts a new track: drops audio, frames, counts and state; keeps parameters, priority and emotions, or hears them anew.</summary>
    public void Reset() => _group.Locked(() =>
    {
        _inbox.Reset();
        Voice.Reset();
        Face.Reset();
        _ring.Clear();
        if (Ears is not null)
        {
            Ears.Reset();
            Voice.Emotions = Ears.Track;
        }
        FaceTurn.Restart();
        EarTurn?.Restart();
        (_tail, _received, _closed, _speaks) = (_group.TailSamples, 0, false, false);
        (Error, IsFinished, HasNews) = (null, false, false);
        (UnderWay, FramesBegun) = (0, 0);
        Track++;
        return 0;
    });

    /// <summary>Moves what was pushed to the voice and the ears. One that was stopped forgets it.</summary>
    internal void Receive()
    {
        ReadOnlySpan<float> samples = _inbox.Take(out bool closed);
        FaceTurn.Priority = Priority;
        FaceTurn.Hear(samples.Length);
        if (EarTurn is not null)
        {
            EarTurn.Priority = Priority;
            EarTurn.Hear(samples.Length);
        }
        if (Error is not null)
        {
            _ = _inbox.Since(long.MaxValue); // no frame will ask when it was pushed
            return;
        }
        _received += samples.Length;
        if (samples.Length > 0)
        {
            Voice.Push(samples);
            Ears?.Push(samples);
        }
        if (!closed) return;
        _closed = true;
        Ears?.Close();
        for (; _tail > 0; _tail -= Silence.Length) Voice.Push(Silence.AsSpan(0, (int)Math.Min(_tail, Silence.Length)));
        Voice.Close();
    }

    /// <summary>Ends a tick: only now, so that nobody sees a finished character whose last frames are still to be published.</summary>
    internal void EndTick() => IsFinished = _closed && Error is null && Voice.IsFinished && UnderWay == 0;

    /// <summary>Tells a turn what can run.</summary>
    internal void Offer(Turn turn)
    {
        if (turn.Hears)
        {
            bool hears = Error is null && Ears!.IsReady;
            if (_group.Spreads) turn.Offer(hears, Ears!.Slack, _group.HearingStride);
            else turn.Offer(hears);
        }
        else if (_group.Spreads && _group.MostFrames > 1)
        {
            turn.Offer(IsReady, _speaks && !_closed ? Voice.NextEnd + _group.Patience - _received : 0, _group.Stride);
        }
        else
        {
            turn.Offer(IsReady);
        }
    }

    /// <summary>Tells its turns what can run.</summary>
    internal void OfferAll()
    {
        Offer(FaceTurn);
        if (EarTurn is not null) Offer(EarTurn);
    }

    /// <summary>Takes a frame that was made.</summary>
    internal void Publish(FaceFrames frames, int frame, long timestamp, long end)
    {
        _ring.Write(frames, frame, timestamp, _inbox.Since(end));
        Ears?.Track.DropBefore(timestamp);
        HasNews = _speaks = true;
    }

    /// <summary>Stops the character.</summary>
    internal void Fail(A2FException error) => Error = error;
}
