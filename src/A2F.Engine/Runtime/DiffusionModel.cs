using A2F.Engine.Animation;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>
/// A diffusion model, loaded and ready to run. It keeps no state of its own: what the GRU remembers of a character goes in and out with each
/// window. Calls of several threads run one after the other; make several models to run at once.
/// </summary>
public sealed class DiffusionModel : IDisposable
{
    private readonly OperatorSet? _ops;
    private readonly DiffusionNetwork? _network;
    private readonly Lazy<FaceRig>[] _rigs, _featureRigs;
    private DiffusionRoom? _room = new();
    private bool _disposed;

    private DiffusionModel(DiffusionModelFolder folder, ModelOptions options)
    {
        Folder = folder;
        Noise = options.Noise;
        HasVertices = options.Vertices;
        _rigs = [.. folder.Identities.Select(i => new Lazy<FaceRig>(() => new FaceRig(i.Geometry, i.SkinBlendshapes, i.TongueBlendshapes)))];
        _featureRigs = [.. folder.Identities.Select((_, i) => new Lazy<FaceRig>(() => FeatureRigs.Of(folder, i)))];
        if (folder.Network is null) return;
        ModelChecks.Batch(options);
        int threads = options.Threads == 0 ? ModelOptions.DefaultThreads : options.Threads;
        PlacedNetwork<DiffusionNetwork> placed = ModelChecks.Place(folder.Path, folder.IsPacked, options, ops => new DiffusionNetwork(
            folder.Network, folder.Weights!, ops, options.MaxBatch, options.Shortcuts, options.Noise, options.NoiseSeed,
            options.FastConvolutions, threads, options.DiffusionOutputs));
        (_ops, _network, DeviceReason) = placed;
    }

    /// <summary>Loads a model folder, or the folder of the given model.json; a folder without a network can still animate recorded output.</summary>
    /// <exception cref="A2FException">A file is missing or wrong, an option is out of range, or memory ran out.</exception>
    public static DiffusionModel Load(string path, ModelOptions? options = null)
    {
        DiffusionModelFolder folder = DiffusionModelFolder.Load(path);
        try
        {
            return new DiffusionModel(folder, options ?? new ModelOptions());
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>What the files hold.</summary>
    public DiffusionModelFolder Folder { get; }

    /// <summary>The face of an identity, for network output and for recorded output; checked when first asked for.</summary>
    /// <exception cref="A2FException">There is no such identity, its parts do not fit together, or the model is disposed.</exception>
    public FaceRig RigOf(int identity) => Get(_rigs, identity);

    /// <summary>
    /// The face of an identity, for the network's features: their bases are the network's last layers. With a <see cref="FaceAnimator"/> that
    /// makes no vertices, weights come straight from features. What that takes is computed when first asked for, which takes a moment; it
    /// also reads the model's files, so it must not be used after the model is disposed.
    /// </summary>
    /// <exception cref="A2FException">There is no such identity or no network, its parts do not fit together, or the model is disposed.</exception>
    public FaceRig FeatureRigOf(int identity) => Get(_featureRigs, identity);

    private FaceRig Get(Lazy<FaceRig>[] rigs, int identity)
    {
        CheckAlive();
        if (identity < 0 || identity >= rigs.Length)
            throw new A2FException(A2FErrorCode.OutOfRange, $"identity: expected 0 to {rigs.Length - 1}, found {identity}");
        return rigs[identity].Value;
    }

    /// <summary>Whether there is a network to run.</summary>
    public bool HasNetwork => _network is not null;

    /// <summary>Whether the network can put out vertices, not only features: <see cref="ModelOptions.Vertices"/>.</summary>
    public bool HasVertices { get; }

    /// <summary>What the network runs on, for reports.</summary>
    public string Device => _ops?.Name ?? "none";

    /// <summary>Why it runs there, where the device was "auto"; else null.</summary>
    public string? DeviceReason { get; }

    /// <summary>Bytes that the backend holds: packed weights and activations.</summary>
    public long BackendBytes => _ops?.Bytes ?? 0;

    /// <summary>Where the noise comes from.</summary>
    public NoiseSource Noise { get; }

    /// <summary>Samples of one window.</summary>
    public int WindowLength => Config.WindowLength;

    /// <summary>Identities that the network knows.</summary>
    public int IdentityCount => Config.ActorCount;

    /// <summary>Emotion vectors of one window: one for each centre frame, or 1.</summary>
    public int EmotionVectors => Config.EmotionPerFrame ? Config.CentreFrames : 1;

    /// <summary>Length of an emotion vector.</summary>
    public int EmotionCount => Config.EmotionCount;

    /// <summary>Frames that one window yields.</summary>
    public int CentreFrames => Config.CentreFrames;

    /// <summary>Length of one frame: skin, tongue, jaw, eyes.</summary>
    public int OutputLength => Config.Outputs.Total;

    /// <summary>Length of one frame of features: the last hidden layers of skin and tongue, then jaw and eyes as in an output.</summary>
    public int FeatureLength => Config.FeatureLength;

    /// <summary>Length of a character's state: [steps, layers, channels]. Zeros at the start of a track.</summary>
    public int StateLength => Config.StateLength;

    /// <summary>
    /// Length of one window's noise argument: [steps + 1, frames, outputs] where the noise is given; 4 where it is seeded (the bits of the
    /// seed and of the window's number, low words first); else 0.
    /// </summary>
    public int NoiseLength => Noise switch
    {
        NoiseSource.Given => (Config.Steps.Count + 1) * Config.FrameCount * Config.Outputs.Total,
        NoiseSource.Seeded => 4,
        _ => 0,
    };

    /// <summary>Windows that run together.</summary>
    internal int MaxBatch => _network?.MaxBatch ?? 1;

    /// <summary>The network on a GPU; null on a CPU, and where the noise is given.</summary>
    /// <exception cref="A2FException">The model was loaded without vertices.</exception>
    internal (CudaOperators Operators, IBatchNetwork Network)? OnGpu(bool features) =>
        _ops is CudaOperators operators && _network!.Batches(features) is { } batches ? (operators, batches) : null;

    /// <summary>Room for a batch of tracks, of which nobody else knows until it is given back.</summary>
    internal DiffusionRoom TakeRoom() => Interlocked.Exchange(ref _room, null) ?? new DiffusionRoom();

    /// <summary>Takes it back for the next batch.</summary>
    internal void GiveRoom(DiffusionRoom room) => _room = room;

    /// <summary>Held by who queues work of the network.</summary>
    internal object Gate { get; } = new();

    internal DiffusionConfig Config => Folder.Network
        ?? throw new A2FException(A2FErrorCode.InvalidModel, $"{Folder.Path} holds no network; only recorded output can be animated with it");

    /// <summary>Runs any number of windows, of different characters or of none that follow each other.</summary>
    /// <param name="windows">[count, <see cref="WindowLength"/>], samples.</param>
    /// <param name="identities">[count, <see cref="IdentityCount"/>], one-hot.</param>
    /// <param name="emotions">[count, <see cref="EmotionVectors"/>, <see cref="EmotionCount"/>].</param>
    /// <param name="states">[count, <see cref="StateLength"/>] before the windows.</param>
    /// <param name="noise">[count, <see cref="NoiseLength"/>].</param>
    /// <param name="predictions">[count, <see cref="CentreFrames"/>, <see cref="OutputLength"/>].</param>
    /// <param name="nextStates">[count, <see cref="StateLength"/>] after the windows; may be <paramref name="states"/>.</param>
    /// <exception cref="A2FException">
    /// Lengths do not agree, a value is not finite, the model was loaded without vertices, or it is disposed.
    /// </exception>
    public void Infer(
        ReadOnlySpan<float> windows, ReadOnlySpan<float> identities, ReadOnlySpan<float> emotions, ReadOnlySpan<float> states,
        ReadOnlySpan<float> noise, Span<float> predictions, Span<float> nextStates) =>
        Run(false, windows, identities, emotions, states, noise, predictions, nextStates);

    /// <summary>
    /// As <see cref="Infer"/>, but what comes is what the last layers of skin and tongue would turn into vertices: all that blendshape weights
    /// take, at less cost. <see cref="FeatureRigOf"/> is the face for it. States are those that <see cref="Infer"/> gives, bit for bit.
    /// </summary>
    /// <param name="windows">[count, <see cref="WindowLength"/>], samples.</param>
    /// <param name="identities">[count, <see cref="IdentityCount"/>], one-hot.</param>
    /// <param name="emotions">[count, <see cref="EmotionVectors"/>, <see cref="EmotionCount"/>].</param>
    /// <param name="states">[count, <see cref="StateLength"/>] before the windows.</param>
    /// <param name="noise">[count, <see cref="NoiseLength"/>].</param>
    /// <param name="features">[count, <see cref="CentreFrames"/>, <see cref="FeatureLength"/>].</param>
    /// <param name="nextStates">[count, <see cref="StateLength"/>] after the windows; may be <paramref name="states"/>.</param>
    /// <exception cref="A2FException">Lengths do not agree, a value is not finite, or the model is disposed.</exception>
    public void InferFeatures(
        ReadOnlySpan<float> windows, ReadOnlySpan<float> identities, ReadOnlySpan<float> emotions, ReadOnlySpan<float> states,
        ReadOnlySpan<float> noise, Span<float> features, Span<float> nextStates) =>
        Run(true, windows, identities, emotions, states, noise, features, nextStates);

    /// <summary>Length of one frame of either kind of output.</summary>
    internal int RowLength(bool features) => features ? FeatureLength : OutputLength;

    /// <summary><see cref="InferFeatures"/>, or <see cref="Infer"/>.</summary>
    internal void Run(
        bool features, ReadOnlySpan<float> windows, ReadOnlySpan<float> identities, ReadOnlySpan<float> emotions, ReadOnlySpan<float> states,
        ReadOnlySpan<float> noise, Span<float> results, Span<float> nextStates)
    {
        CheckAlive();
        int row = RowLength(features); // throws where there is no network
        DiffusionNetwork network = _network!;
        int count = windows.Length / WindowLength, emotion = EmotionVectors * EmotionCount, output = CentreFrames * row;
        ModelChecks.Length("windows", windows.Length, count, WindowLength);
        ModelChecks.Length("identities", identities.Length, count, IdentityCount);
        ModelChecks.Length("emotions", emotions.Length, count, emotion);
        ModelChecks.Length("states", states.Length, count, StateLength);
        ModelChecks.Length("noise", noise.Length, count, NoiseLength);
        ModelChecks.Length(features ? "features" : "predictions", results.Length, count, output);
        ModelChecks.Length("next states", nextStates.Length, count, StateLength);
        ModelChecks.Finite("audio window", windows, WindowLength);
        ModelChecks.Finite("identity", identities, IdentityCount);
        ModelChecks.Finite("emotions of window", emotions, emotion);
        ModelChecks.Finite("state", states, StateLength);
        if (Noise == NoiseSource.Given) ModelChecks.Finite("noise of window", noise, NoiseLength);
        for (int first = 0; first < count; first += network.MaxBatch)
        {
            int batch = Math.Min(network.MaxBatch, count - first);
            ReadOnlySpan<float> window = windows.Slice(first * WindowLength, batch * WindowLength);
            ReadOnlySpan<float> identity = identities.Slice(first * IdentityCount, batch * IdentityCount);
            ReadOnlySpan<float> emotionRows = emotions.Slice(first * emotion, batch * emotion);
            ReadOnlySpan<float> state = states.Slice(first * StateLength, batch * StateLength);
            ReadOnlySpan<float> noiseRows = noise.Slice(first * NoiseLength, batch * NoiseLength);
            Span<float> result = results.Slice(first * output, batch * output), next = nextStates.Slice(first * StateLength, batch * StateLength);
            lock (Gate)
            {
                if (features) network.RunFeatures(window, identity, emotionRows, state, noiseRows, result, next, batch);
                else network.Run(window, identity, emotionRows, state, noiseRows, result, next, batch);
            }
        }
        string advice = ModelChecks.AdviceFor(_ops);
        ModelChecks.Finite("network output, frame", results, row, advice);
        ModelChecks.Finite("next state", nextStates, StateLength, advice);
    }

    private void CheckAlive()
    {
        if (_disposed) throw new A2FException(A2FErrorCode.InvalidArgument, $"the model of {Folder.Path} was disposed");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _ops?.Dispose();
        Folder.Dispose();
    }
}
