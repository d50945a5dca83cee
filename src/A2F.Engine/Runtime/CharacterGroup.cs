using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>How a <see cref="CharacterGroup"/> runs.</summary>
public sealed record CharacterGroupOptions
{
    /// <summary>Most characters at a time; memory is taken for all of them. 1 to 65535.</summary>
    public int Capacity { get; init; } = 16;

    /// <summary>Numerator of the frames per second, for regression models; a diffusion model has its own rate. 1 or more.</summary>
    public int FramesNumerator { get; init; } = 60;

    /// <summary>Denominator of the frames per second: 1001 for 30000/1001. 1 or more.</summary>
    public int FramesDenominator { get; init; } = 1;

    /// <summary>Whether vertices are wanted beside the weights.</summary>
    public bool Vertices { get; init; }

    /// <summary>As <see cref="FaceStageOptions.Folded"/>.</summary>
    public bool Folded { get; init; } = true;

    /// <summary>
    /// Whether vertices are made but stay on the GPU, where a renderer takes them from: <see cref="CharacterFrame.DeviceSkinVertices"/>. The model
    /// and <see cref="FaceDevice"/> must be on a GPU, <see cref="Vertices"/> off, and <see cref="WhenFull"/> not <see cref="WhenFull.Grow"/>.
    /// </summary>
    public bool DeviceVertices { get; init; }

    /// <summary>
    /// Share of the GPU's time that the group's kernels may take, above 0 to 1, where the group and its model are on one GPU: after work of t
    /// milliseconds, none begins until t / share after its start. For living beside a renderer, with
    /// <see cref="ModelOptions.StreamPriority"/>.
    /// </summary>
    public float GpuShare { get; init; } = 1;

    /// <summary>
    /// What the animation stage runs on: "model" for what the model's network runs on, or as <see cref="FaceStageOptions.Device"/>. Where both are
    /// on one GPU by "model", ticks do not wait for it: frames that a tick begins can be read after a later one, or after
    /// <see cref="CharacterGroup.Poll"/>.
    /// </summary>
    public string FaceDevice { get; init; } = "model";

    /// <summary>As <see cref="ModelOptions.CudaDriver"/>, for an animation stage that is not on the model's device.</summary>
    public Func<string, nint>? CudaDriver { get; init; }

    /// <summary>Frames that are kept of each character. At least 2, and at least those of a window.</summary>
    public int FrameRoom { get; init; } = 64;

    /// <summary>What happens when nobody reads them.</summary>
    public WhenFull WhenFull { get; init; }

    /// <summary>Silence after the end of a character's audio, in which the mouth closes. 0 to 10 s.</summary>
    public TimeSpan Tail { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Ticks that a character may be ready without a turn before it goes before higher priorities. Where each tick runs at least W windows, a character
    /// of N that is ready gets its turn within StarvationTicks + ceil(N / W) ticks (N counts those that hear emotions twice). 0 to 1000000; 0: first
    /// come, first served.
    /// </summary>
    public int StarvationTicks { get; init; } = 8;

    /// <summary>
    /// Whether windows of several frames, and those of the emotion classifier, that become ready together run in different ticks, as late as fifteen
    /// sixteenths of a window's frames after their audio was there. First frames of a track, and characters that have more audio than that, don't wait.
    /// Frames are the same with and without.
    /// </summary>
    public bool SpreadWindows { get; init; } = true;

    /// <summary>
    /// Called for each character that got frames in a tick (or <see cref="CharacterGroup.Poll"/> or <see cref="CharacterGroup.Finish"/>), on the thread
    /// that called it, when its locks are released: it may read, push, add, remove, reset and dispose. What it throws leaves that call; characters that
    /// were not told of yet are told of by the next one.
    /// </summary>
    public Action<Character>? FramesReady { get; init; }

    /// <summary>
    /// Hears emotions in the audio of characters that are added with <see cref="CharacterOptions.HearsEmotions"/>. Not owned; groups
    /// may share one.
    /// </summary>
    public EmotionModel? EmotionModel { get; init; }

    /// <summary>How often emotions are heard and what becomes of them: by default 30 keys a second from two windows a second.</summary>
    public EmotionAnalysisOptions EmotionAnalysis { get; init; } = new();

    /// <summary>Which audio each emotion is heard in.</summary>
    public EmotionWindowPlace EmotionWindows { get; init; }

    /// <summary>What tells how long batches take, for <see cref="TickBudget.MostTime"/>.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>
/// Many characters on one model. Audio is pushed from any thread; one thread ticks; frames are read from any thread. A character's frames are the same
/// bit for bit alone and among others, however its audio was cut. Ticks with unchanged parameters allocate nothing once they are warm.
/// </summary>
public sealed class CharacterGroup : IDisposable
{
    private readonly object _sync = new();
    private readonly VoiceNetwork _network;
    private readonly FaceStage _stage;
    private readonly CharacterGroupOptions _options;
    private readonly int _emotions;
    private readonly List<Character> _characters = [];
    private readonly WindowRunner _runner;
    private readonly EmotionHearing? _hearing;
    private readonly TickLoop _loop;
    private readonly FrameReports? _reports;
    private bool _disposed;

    private CharacterGroup(VoiceNetwork network, WindowProgress windows, IReadOnlyList<string> emotions, CharacterGroupOptions options)
    {
        if (options.FrameRoom < Math.Max(2, network.MostFrames))
            throw new A2FException(A2FErrorCode.OutOfRange, $"frame room: expected at least {Math.Max(2, network.MostFrames)} frames, found {options.FrameRoom}");
        if (options.Tail < TimeSpan.Zero || options.Tail > TimeSpan.FromSeconds(10))
            throw new A2FException(A2FErrorCode.OutOfRange, $"tail: expected 0 to 10 s, found {options.Tail.TotalSeconds} s");
        if (options.StarvationTicks is < 0 or > 1_000_000)
            throw new A2FException(A2FErrorCode.OutOfRange, $"starvation ticks: expected 0 to 1000000, found {options.StarvationTicks}");
        (_network, _emotions, _options) = (network, emotions.Count, options);
        Stride = Math.Max(1, windows.WindowStart(1) - windows.WindowStart(0));
        if (options.EmotionModel is { } classifier)
        {
            long lookahead = windows.WindowEnd(0) - windows.FrameTarget(windows.FramesPerInference - 1);
            _hearing = new EmotionHearing(classifier, options.EmotionAnalysis, options.EmotionWindows, emotions, lookahead, options.Capacity);
        }
        try
        {
            (_stage, _runner) = CreateRunner(network, options);
        }
        catch
        {
            _hearing?.Dispose();
            throw;
        }
        _loop = new TickLoop(_runner, _hearing, options.StarvationTicks, options.Clock);
        if (options.FramesReady is { } report) _reports = new FrameReports(report);
    }

    private static (FaceStage Stage, WindowRunner Runner) CreateRunner(VoiceNetwork network, CharacterGroupOptions options)
    {
        FaceStageOptions stage = new()
        {
            Device = options.FaceDevice == "model" ? "cpu" : options.FaceDevice,
            CudaDriver = options.CudaDriver,
            Capacity = options.Capacity,
            FramesNumerator = network.Rate.Numerator,
            FramesDenominator = network.Rate.Denominator,
            Vertices = options.Vertices || options.DeviceVertices,
            Folded = options.Folded,
        };
        bool pipelined = options.FaceDevice == "model" && network.OnGpu is not null;
        CheckDevice(options, pipelined);
        if (!pipelined)
        {
            FaceStage direct = FaceStage.Create(network.Rigs, stage);
            return (direct, new DirectRunner(network, direct));
        }
        int rooms = options.DeviceVertices ? checked(options.FrameRoom + network.MostFrames * network.MostUnderWay) : 0;
        lock (network.Gate) // what a stage uploads goes by the model's stream, on which another group's tick may be recording a graph
        {
            CudaFaceStage onGpu = CudaFaceStage.Beside((CudaDeviceWorker)network.OnGpu!.Value.Operators.Worker, network.Rigs, stage, rooms);
            try
            {
                return (onGpu, new PipelinedRunner(network, onGpu, options.Vertices, new GpuShare(options.GpuShare)));
            }
            catch
            {
                onGpu.Dispose();
                throw;
            }
        }
    }

    private static void CheckDevice(CharacterGroupOptions options, bool pipelined)
    {
        if (!(options.GpuShare > 0 && options.GpuShare <= 1))
            throw new A2FException(A2FErrorCode.OutOfRange, $"share of the GPU: expected above 0 to 1, found {options.GpuShare}");
        if (!options.DeviceVertices) return;
        if (options.Vertices || options.WhenFull == WhenFull.Grow)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument, options.Vertices
                ? "vertices are wanted both on the host (Vertices) and on the GPU (DeviceVertices); choose one"
                : "vertices on the GPU have room for FrameRoom frames of a character; WhenFull.Grow is not possible with them");
        }
        if (!pipelined)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                "vertices stay on a GPU only where the model and the animation stage run on one: load the model with Device \"cuda\", keep FaceDevice \"model\", and do not give its noise");
        }
    }

    /// <summary>A group on a regression model, which it does not own.</summary>
    /// <exception cref="A2FException">The model has no network or wants another sample rate, an option is out of range, or the device cannot be used.</exception>
    public static CharacterGroup Create(RegressionModel model, CharacterGroupOptions? options = null)
    {
        options ??= new CharacterGroupOptions();
        RegressionInfo info = model.Folder.Info;
        WindowProgress windows = WindowProgress.ForRegression(
            info.BufferLength, info.BufferOffset, info.SampleRate, options.FramesNumerator, options.FramesDenominator);
        return new CharacterGroup(new RegressionVoices(model, options.FramesNumerator, options.FramesDenominator), windows, info.Emotions, options);
    }

    /// <summary>A group on a diffusion model, which it does not own.</summary>
    /// <exception cref="A2FException">The model has no network or wants another sample rate, an option is out of range, or the device cannot be used.</exception>
    public static CharacterGroup Create(DiffusionModel model, CharacterGroupOptions? options = null)
    {
        options ??= new CharacterGroupOptions();
        DiffusionInfo info = model.Folder.Info;
        return new CharacterGroup(
            new DiffusionVoices(model, options.Folded && !options.Vertices && !options.DeviceVertices), DiffusionTrack.WindowsOf(info), info.Emotions, options);
    }

    /// <summary>Characters that there are.</summary>
    public int Count => Locked(() => _characters.Count);

    internal int MostFrames => _network.MostFrames;

    internal int MostUnderWay => _network.MostUnderWay;

    /// <summary>Whether windows wait for each other.</summary>
    internal bool Spreads => _options.SpreadWindows;

    /// <summary>Samples from one window of a character to its next.</summary>
    internal long Stride { get; }

    /// <summary>Samples that may come after a window's last before it must run, where windows are spread.</summary>
    internal long Patience => Stride - Stride / 16;

    /// <summary>Samples from one emotion window of a character to its next.</summary>
    internal long HearingStride => _hearing!.Stride;

    internal long TailSamples => (long)(_options.Tail.TotalSeconds * AudioClip.SampleRate);

    /// <summary>Adds a character; waits for a running tick.</summary>
    /// <exception cref="A2FException">There is no room, an option does not fit the model, or the group is disposed.</exception>
    public Character Add(CharacterOptions? options = null) => Locked(() =>
    {
        options ??= new CharacterOptions();
        if (options.Emotions is { } emotions) CheckEmotion(emotions.EmotionCount);
        EmotionListener? ears = CreateEars(options);
        Voice voice = _network.Create(options, out FaceRig rig, out AnimationSettings settings);
        FaceCharacter face = _stage.Add(
            rig, options.Parameters ?? settings.Animator, options.SkinSolver ?? settings.SkinSolver, options.TongueSolver ?? settings.TongueSolver,
            options.SolveOptions);
        FrameRing ring = new(CreateFrames, _options.FrameRoom, _options.WhenFull)
        {
            Device = _options.DeviceVertices ? ((CudaFaceStage)_stage).Kept(face) : default,
        };
        Character character = new(this, voice, face, ring, ears)
        {
            Priority = options.Priority,
        };
        _characters.Add(character);
        _loop.Add(character);
        return character;
    });

    /// <summary>Removes a character; waits for a running tick. Removing one twice does nothing.</summary>
    /// <exception cref="A2FException">It is of another group, or the group is disposed.</exception>
    public void Remove(Character character) => Locked(() =>
    {
        if (character.IsRemoved) return 0;
        if (!_characters.Remove(character)) throw new A2FException(A2FErrorCode.InvalidArgument, "the character is of another group");
        character.IsRemoved = true;
        _loop.Remove(character);
        _stage.Remove(character.Face);
        return 0;
    });

    /// <summary>Room for a frame of any character of the group.</summary>
    public CharacterFrame CreateFrame() => new(CreateFrames(1));

    private FaceFrames CreateFrames(int count) => new(_network.Rigs[0], count, _options.Vertices);

    /// <summary>
    /// Runs windows whose audio is there and makes their frames readable; on a GPU (<see cref="CharacterGroupOptions.FaceDevice"/> "model") sets them going,
    /// and makes those readable that have finished since. Within a tick no character runs a second window before each that is ready
    /// has run one; where the budget ends a tick early, the next begins with those whose last window is longest ago, or whose priority is higher.
    /// </summary>
    /// <param name="mostWindows">Most windows that this tick runs. 1 or more.</param>
    /// <returns>Windows that ran or were set going, those of the emotion classifier included.</returns>
    /// <exception cref="A2FException">The group is disposed. What goes wrong with a character is told by <see cref="Character.Error"/>.</exception>
    public int Tick(int mostWindows = int.MaxValue)
    {
        if (mostWindows < 1) throw new A2FException(A2FErrorCode.OutOfRange, $"windows of a tick: expected 1 or more, found {mostWindows}");
        return Tick(new TickBudget { MostWindows = mostWindows });
    }

    /// <summary>As <see cref="Tick(int)"/>, within a budget of windows and of time.</summary>
    /// <param name="budget">What the tick may take.</param>
    /// <returns>Windows that ran or were set going.</returns>
    /// <exception cref="A2FException">A limit is negative, or the group is disposed.</exception>
    public int Tick(TickBudget budget)
    {
        budget.Check();
        int done;
        List<Character>? news;
        lock (_sync)
        {
            CheckAlive();
            done = _loop.Run(_characters, budget);
            news = _reports?.Take(_characters);
        }
        if (news is not null) _reports!.Tell(news, _sync);
        return done;
    }

    /// <summary>Makes frames readable that ticks have begun and a GPU has finished since. Waits for nothing.</summary>
    /// <exception cref="A2FException">The group is disposed.</exception>
    public void Poll() => Collect(wait: false);

    /// <summary>Waits for all that ticks have begun, and makes its frames readable. The only call that waits for a GPU.</summary>
    /// <exception cref="A2FException">The group is disposed.</exception>
    public void Finish() => Collect(wait: true);

    private void Collect(bool wait)
    {
        List<Character>? news;
        lock (_sync)
        {
            CheckAlive();
            _hearing?.Collect(wait);
            _runner.Collect(wait);
            foreach (Character character in _characters) character.EndTick();
            news = _reports?.Take(_characters);
        }
        if (news is not null) _reports!.Tell(news, _sync);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_sync)
        {
            if (_disposed) return;
            _disposed = true;
            try
            {
                _runner.Dispose();
            }
            finally
            {
                try
                {
                    _hearing?.Dispose();
                }
                finally
                {
                    lock (_network.Gate) _stage.Dispose();
                }
            }
        }
    }

    /// <summary>Between two ticks.</summary>
    internal T Locked<T>(Func<T> action)
    {
        lock (_sync)
        {
            CheckAlive();
            return action();
        }
    }

    internal void CheckEmotion(int count)
    {
        if (count != _emotions) throw new A2FException(A2FErrorCode.InvalidArgument, $"emotions: expected {_emotions}, found {count}");
    }

    internal void CheckFrame(CharacterFrame frame) => frame.Room.CheckRoom(_network.Rigs[0], _options.Vertices, 0, 1);

    private EmotionListener? CreateEars(CharacterOptions options)
    {
        if (options.HearsEmotions && _hearing is null)
        {
            throw new A2FException(A2FErrorCode.InvalidArgument,
                "the character would hear emotions, but the group has no classifier; set CharacterGroupOptions.EmotionModel");
        }
        if (options.HearsEmotions && options.Emotions is not null)
            throw new A2FException(A2FErrorCode.InvalidArgument, "the character has emotions given and would hear others; leave one out");
        if (!options.HearsEmotions && options.EmotionParameters is not null)
            throw new A2FException(A2FErrorCode.InvalidArgument, "emotion parameters are for characters that hear emotions (CharacterOptions.HearsEmotions)");
        return options.HearsEmotions ? _hearing!.CreateListener(options.EmotionParameters) : null;
    }

    private void CheckAlive()
    {
        if (_disposed) throw new A2FException(A2FErrorCode.InvalidArgument, "the group was disposed");
    }
}
