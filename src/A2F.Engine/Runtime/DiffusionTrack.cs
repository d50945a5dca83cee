using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>
/// One character's speech on a diffusion model, as it comes: audio goes in by chunks of any size, windows run when their audio is there,
/// rows of network output come out, each with its sample time. The track carries what the GRU remembers from window to window.
/// Final frames do not depend on how the audio was cut, on who shares a batch, or on speculation, bit for bit. Not for use by two threads at
/// once; tracks of one model share its one-call-at-a-time rule.
/// </summary>
/// <remarks>
/// Window n reads samples [n * stride - padding, n * stride - padding + window), in a full-size model [8000 n - 16000, 8000 n), silence before
/// sample 0 and past the end of closed audio. Its frame j belongs to sample floor((centre * n + j) * window / frames) - padding + left * window
/// / frames: floor((30 n + j) * 16000 / 60) - 12000. Frames before sample 0 carry the state and are not reported.
/// </remarks>
public sealed class DiffusionTrack
{
    private static long s_calls;


    private readonly DiffusionModel _model;
    private readonly DiffusionTrack[] _alone;
    private readonly WindowProgress _windows;
    private readonly SampleHistory _samples = new();
    private readonly float[] _gru;
    private readonly bool _features;
    private readonly int _speculativeSamples;
    private readonly DiffusionNoise? _noise;
    private EmotionTrack _emotions;
    private float _inputStrength;
    private int _identity;
    private long _heard;
    private long _call;

    /// <summary>Starts a track.</summary>
    /// <exception cref="A2FException">The model has no network or wants another sample rate, or an option does not fit it.</exception>
    public DiffusionTrack(DiffusionModel model, DiffusionTrackOptions? options = null)
    {
        options ??= new DiffusionTrackOptions();
        DiffusionInfo info = model.Folder.Info;
        if (info.SampleRate != AudioClip.SampleRate)
            throw new A2FException(A2FErrorCode.InvalidModel, $"the model wants {info.SampleRate} samples a second, this engine feeds {AudioClip.SampleRate}");
        _model = model;
        _alone = [this];
        _windows = WindowsOf(info);
        _gru = new float[model.StateLength];
        _features = options.Features;
        if (!_features && !model.HasVertices)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                "the model was loaded without vertices (ModelOptions.Vertices), so a track can have features only (DiffusionTrackOptions.Features)");
        }
        Frames = new DiffusionFrames(model.CentreFrames, model.RowLength(_features));
        InputStrength = options.InputStrength;
        if (options.SpeculativeSamples < 0)
            throw new A2FException(A2FErrorCode.OutOfRange, $"speculative samples: expected 0 or more, found {options.SpeculativeSamples}");
        _speculativeSamples = options.SpeculativeSamples;
        if (model.Noise == NoiseSource.Given != options.Noise is not null)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument, options.Noise is null
                ? "the model wants its noise given, so a track needs DiffusionTrackOptions.Noise"
                : $"the model makes its own noise ({model.Noise}); load it with NoiseSource.Given to give a track's noise");
        }
        _noise = options.Noise;
        Seed = options.Seed;
        Identity = options.Identity;
        _emotions = options.Emotions ?? EmotionTrack.Constant([.. info.DefaultEmotion]);
        Emotions = _emotions;
    }

    /// <summary>Number of the identity. A new one counts from the next window on.</summary>
    /// <exception cref="A2FException">The model does not have it.</exception>
    public int Identity
    {
        get => _identity;
        set
        {
            if (value < 0 || value >= _model.IdentityCount)
                throw new A2FException(A2FErrorCode.OutOfRange, $"identity: expected 0 to {_model.IdentityCount - 1}, found {value}");
            _identity = value;
        }
    }

    /// <summary>
    /// Emotions over time, in the model's order. Each frame takes the one of its own sample (a model with one emotion a window: that of its first
    /// frame). While they are open, windows wait for those of all their frames. They may be dropped before <see cref="NextTimestamp"/>.
    /// </summary>
    /// <exception cref="A2FException">The model has another number of emotions.</exception>
    public EmotionTrack Emotions
    {
        get => _emotions;
        set
        {
            if (value.EmotionCount != _model.EmotionCount)
                throw new A2FException(A2FErrorCode.InvalidArgument, $"emotions: expected {_model.EmotionCount}, found {value.EmotionCount}");
            _emotions = value;
        }
    }

    /// <summary>Seed of the noise, where the model's noise is seeded. With the window's number it makes the noise. A new one counts from the next window on.</summary>
    public ulong Seed { get; set; }

    /// <summary>Multiplies the audio. A new value counts from the next window on, for all that it reads.</summary>
    /// <exception cref="A2FException">It is not finite (or beyond 1e6).</exception>
    public float InputStrength
    {
        get => _inputStrength;
        set
        {
            Finite.Check(value, "input strength");
            _inputStrength = value;
        }
    }

    /// <summary>Samples pushed so far.</summary>
    public long SamplesReceived => _samples.Received;

    /// <summary>Whether the audio has ended.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Windows that have run with all their audio.</summary>
    public long WindowsDone { get; private set; }

    /// <summary>Sample of the next window's first frame; negative at the start.</summary>
    public long NextTimestamp => _windows.WindowTarget(WindowsDone);

    /// <summary>One past the last sample that the next window reads.</summary>
    internal long NextEnd => _windows.WindowEnd(WindowsDone);

    /// <summary>Frames that closed audio of a length gives.</summary>
    public long CountFrames(long samples) => _windows.CountReportedFrames(samples);

    /// <summary>Whether the next window's audio and emotions are there.</summary>
    public bool IsReady => _windows.CountAvailable(SamplesReceived, IsClosed, _emotions, WindowsDone) > 0;

    /// <summary>Whether the next window would run ahead of its audio.</summary>
    public bool CanSpeculate => _speculativeSamples > 0 && !IsClosed && !IsReady && SamplesReceived - _heard >= _speculativeSamples
        && _windows.CountAvailable(long.MaxValue / 2, false, _emotions, WindowsDone) > 0;

    /// <summary>Whether the audio has ended and all its windows have run.</summary>
    public bool IsFinished => IsClosed && _windows.CountAvailable(SamplesReceived, true, WindowsDone) == 0;

    /// <summary>What the last window yielded.</summary>
    public DiffusionFrames Frames { get; }

    /// <summary>The windows of a model.</summary>
    internal static WindowProgress WindowsOf(DiffusionInfo info) =>
        WindowProgress.ForDiffusion(info.BufferLength, info.PaddingLeft, info.LeftFrames, info.CentreFrames, info.RightFrames);

    /// <summary>Appends audio: mono, 16 kHz, full scale at -1 to 1.</summary>
    /// <exception cref="A2FException">The track is closed, or a sample is not finite; nothing is appended then.</exception>
    public void Push(ReadOnlySpan<float> samples)
    {
        if (IsClosed) throw new A2FException(A2FErrorCode.InvalidArgument, "audio was pushed to a track that is closed");
        int bad = Finite.IndexOfBad(samples);
        if (bad >= 0) Finite.Check(samples[bad], $"sample {SamplesReceived + bad}");
        _samples.Push(samples);
        DropUnneeded();
    }

    /// <summary>Says that no more audio will come: the last windows read silence past its end. Closing twice does nothing.</summary>
    public void Close() => IsClosed = true;

    /// <summary>Runs the next window if it is ready, or ahead where the track speculates.</summary>
    /// <returns>Whether one ran: <see cref="Frames"/> then holds its frames.</returns>
    /// <exception cref="A2FException">The network failed; the track is as before.</exception>
    public bool Advance() => Advance(_alone) == 1;

    /// <summary>
    /// Runs one window of each track that is ready (or runs ahead), all in one batch; those with features and those without in one each.
    /// </summary>
    /// <param name="tracks">Different tracks of one model.</param>
    /// <returns>Number of tracks whose window ran.</returns>
    /// <exception cref="A2FException">
    /// The tracks are not of one model, one is there twice, or the network failed; a track whose window did not run is as before.
    /// </exception>
    public static int Advance(IReadOnlyList<DiffusionTrack> tracks)
    {
        if (tracks.Count == 0) return 0;
        DiffusionModel model = tracks[0]._model;
        long call = Interlocked.Increment(ref s_calls);
        DiffusionRoom room = model.TakeRoom();
        DiffusionTrack[] running = room.Tracks(tracks.Count);
        try
        {
            int outputs = 0, features = tracks.Count; // tracks without features from the start on, those with from the end on
            for (int i = 0; i < tracks.Count; i++)
            {
                DiffusionTrack track = tracks[i];
                if (track._model != model) throw new A2FException(A2FErrorCode.InvalidArgument, "tracks that advance together must be of one model");
                if (track._call == call) throw new A2FException(A2FErrorCode.InvalidArgument, "a track was given twice to advance");
                track._call = call;
                if (track.IsReady || track.CanSpeculate) running[track._features ? --features : outputs++] = track;
            }
            Run(model, room, running.AsSpan(0, outputs), features: false);
            Run(model, room, running.AsSpan(features, tracks.Count - features), features: true);
            return outputs + tracks.Count - features;
        }
        finally
        {
            Array.Clear(running);
            model.GiveRoom(room);
        }
    }

    /// <summary>
    /// Everything that the track's future depends on: position, what the GRU remembers, audio that is still needed, identity, seed, input strength.
    /// </summary>
    /// <remarks>The emotion track is not copied: keys that come later are seen by who restores the state.</remarks>
    public DiffusionTrackState SaveState() => new(
        [.. _gru], WindowsDone, _samples.First, _samples.Held.ToArray(), IsClosed, _heard, Identity, Seed, Emotions, InputStrength);

    /// <summary>
    /// Goes back (or forth) to a saved state, of this track or of another one of the same model. What comes then is the same bit for bit.
    /// <see cref="Frames"/> is empty until the next window. Whether rows are features stays as the track's own options say.
    /// </summary>
    /// <exception cref="A2FException">The state is of a model of other sizes.</exception>
    public void RestoreState(DiffusionTrackState state)
    {
        if (state.Gru.Length != _gru.Length)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"the state is of another model: expected {_gru.Length} values, found {state.Gru.Length}");
        Identity = state.Identity;
        Emotions = state.Emotions;
        Seed = state.Seed;
        InputStrength = state.InputStrength;
        state.Gru.CopyTo(_gru, 0);
        _samples.Restore(state.FirstSample, state.Samples);
        IsClosed = state.IsClosed;
        WindowsDone = state.WindowsDone;
        _heard = state.Heard;
        Frames.Clear();
    }

    /// <summary>What the GRU remembers: [steps, layers, channels].</summary>
    internal ReadOnlySpan<float> GruState => _gru;

    /// <summary>Samples that are held.</summary>
    internal int HeldSamples => _samples.Held.Length;

    private static void Run(DiffusionModel model, DiffusionRoom room, ReadOnlySpan<DiffusionTrack> tracks, bool features)
    {
        for (int first = 0; first < tracks.Length; first += model.MaxBatch)
            RunBatch(model, room, tracks.Slice(first, Math.Min(model.MaxBatch, tracks.Length - first)), features);
    }

    private static void RunBatch(DiffusionModel model, DiffusionRoom room, ReadOnlySpan<DiffusionTrack> tracks, bool features)
    {
        int count = tracks.Length, emotion = model.EmotionVectors * model.EmotionCount, output = model.CentreFrames * model.RowLength(features);
        Span<float> windows = room.Floats(0, count * model.WindowLength), identities = room.Floats(1, count * model.IdentityCount);
        Span<float> emotions = room.Floats(2, count * emotion), states = room.Floats(3, count * model.StateLength);
        Span<float> noise = room.Floats(4, count * model.NoiseLength), predictions = room.Floats(5, count * output);
        for (int i = 0; i < count; i++)
        {
            DiffusionTrack track = tracks[i];
            track.ReadInput(0, Row(windows, model.WindowLength, i));
            track.ReadInput(1, Row(identities, model.IdentityCount, i));
            track.ReadInput(2, Row(emotions, emotion, i));
            track.ReadInput(3, Row(states, model.StateLength, i));
            track.ReadInput(4, Row(noise, model.NoiseLength, i));
        }
        model.Run(features, windows, identities, emotions, states, noise, predictions, states);
        for (int i = 0; i < count; i++) tracks[i].Take(Row(predictions, output, i), Row(states, model.StateLength, i));


        static Span<float> Row(Span<float> rows, int length, int index) => rows.Slice(index * length, length);
    }

    /// <summary>Writes an input of the next window: audio, identity, emotions, state, noise.</summary>
    internal void ReadInput(int input, Span<float> row)
    {
        switch (input)
        {
            case 0:
                AudioWindow.Read(
                    _samples.Held, _samples.First, closed: IsClosed || !IsReady, _windows.WindowStart(WindowsDone), _inputStrength, row);
                break;
            case 1:
                row.Clear();
                row[Identity] = 1f;
                break;
            case 2:
                for (int v = 0; v < _model.EmotionVectors; v++)
                {
                    _emotions.Read(
                        _windows.FrameTarget(WindowsDone * _model.CentreFrames + v), row.Slice(v * _model.EmotionCount, _model.EmotionCount));
                }
                break;
            case 3:
                _gru.CopyTo(row);
                break;
            default:
                FillNoise(row);
                break;
        }
    }

    /// <summary>Writes the times of the next window's reported frames, its audio being there; see <see cref="DiffusionFrames.Reported"/>.</summary>
    internal (int First, int Count) ReadTimestamps(Span<long> timestamps) =>
        DiffusionFrames.Reported(_windows, WindowsDone, SamplesReceived, timestamps);

    /// <summary>The next window, its audio being there, has run elsewhere and left this state.</summary>
    internal void End(ReadOnlySpan<float> state)
    {
        state.CopyTo(_gru);
        WindowsDone++;
        _heard = Math.Max(NextTimestamp, 0);
        DropUnneeded();
    }

    private void FillNoise(Span<float> noise)
    {
        if (_model.Noise == NoiseSource.Given) _noise!(WindowsDone, noise);
        if (_model.Noise != NoiseSource.Seeded) return;
        ulong window = (ulong)WindowsDone;
        ReadOnlySpan<uint> words = [(uint)Seed, (uint)(Seed >> 32), (uint)window, (uint)(window >> 32)];
        for (int i = 0; i < words.Length; i++) noise[i] = BitConverter.UInt32BitsToSingle(words[i]);
    }

    // A provisional window leaves the state as it was: the window runs again from there.
    private void Take(ReadOnlySpan<float> rows, ReadOnlySpan<float> state)
    {
        bool provisional = !IsReady;
        Frames.Fill(_windows, WindowsDone, SamplesReceived, provisional, rows);
        if (provisional)
        {
            _heard = SamplesReceived;
            return;
        }
        End(state);
    }

    private void DropUnneeded() => _samples.DropBefore(Math.Max(_windows.WindowStart(WindowsDone), 0));
}
