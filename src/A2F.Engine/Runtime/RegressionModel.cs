using A2F.Engine.Animation;
using A2F.Engine.Backends;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>
/// A regression model, loaded and ready to run. Calls of several threads run one after the other; make several models to run at once.
/// </summary>
public sealed class RegressionModel : IDisposable
{
    private readonly OperatorSet? _ops;
    private readonly RegressionNetwork? _network;
    private readonly Lazy<FaceRig> _rig;
    private bool _disposed;

    private RegressionModel(RegressionModelFolder folder, ModelOptions options)
    {
        Folder = folder;
        _rig = new Lazy<FaceRig>(() => FaceRig.Of(folder));
        if (folder.Network is null) return;
        ModelChecks.Batch(options);
        PlacedNetwork<RegressionNetwork> placed = ModelChecks.Place(folder.Path, folder.IsPacked, options, ops => new RegressionNetwork(
            folder.Network, folder.Weights!, ops, options.MaxBatch, options.FastConvolutions, options.FoldedDecoder));
        (_ops, _network, DeviceReason) = placed;
    }

    /// <summary>Loads a model folder, or the folder of the given model.json; a folder without a network can still animate recorded output.</summary>
    /// <exception cref="A2FException">A file is missing or wrong, an option is out of range, or memory ran out.</exception>
    public static RegressionModel Load(string path, ModelOptions? options = null)
    {
        RegressionModelFolder folder = RegressionModelFolder.Load(path);
        try
        {
            return new RegressionModel(folder, options ?? new ModelOptions());
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>What the files hold.</summary>
    public RegressionModelFolder Folder { get; }

    /// <summary>The face; checked when first asked for.</summary>
    /// <exception cref="A2FException">Its parts do not fit together, or the model is disposed.</exception>
    public FaceRig Rig
    {
        get
        {
            CheckAlive();
            return _rig.Value;
        }
    }

    /// <summary>Whether there is a network to run.</summary>
    public bool HasNetwork => _network is not null;

    /// <summary>What the network runs on, for reports.</summary>
    public string Device => _ops?.Name ?? "none";

    /// <summary>Why it runs there, where the device was "auto"; else null.</summary>
    public string? DeviceReason { get; }

    /// <summary>Bytes that the backend holds: packed weights and activations.</summary>
    public long BackendBytes => _ops?.Bytes ?? 0;

    /// <summary>Samples of one window.</summary>
    public int InputLength => Network.Config.InputLength;

    /// <summary>Length of one emotion vector: implicit, then explicit.</summary>
    public int EmotionLength => Network.Config.ImplicitLength + Network.Config.EmotionCount;

    /// <summary>Length of one result: skin, tongue, jaw, eyes.</summary>
    public int OutputLength => Network.Config.OutputLength;

    /// <summary>Windows that run together.</summary>
    internal int MaxBatch => Network.MaxBatch;

    /// <summary>The network on a GPU; null on a CPU.</summary>
    internal (CudaOperators Operators, IBatchNetwork Network)? OnGpu => _ops is CudaOperators operators ? (operators, Network) : null;

    /// <summary>Held by who queues work of the network.</summary>
    internal object Gate { get; } = new();

    private RegressionNetwork Network => _network
        ?? throw new A2FException(A2FErrorCode.InvalidModel, $"{Folder.Path} holds no network; only recorded output can be animated with it");

    /// <summary>Runs any number of windows.</summary>
    /// <param name="windows">[count, <see cref="InputLength"/>], samples already multiplied by the input strength.</param>
    /// <param name="emotions">[count, <see cref="EmotionLength"/>].</param>
    /// <param name="results">[count, <see cref="OutputLength"/>].</param>
    /// <exception cref="A2FException">Lengths do not agree, a value is not finite, or the model is disposed.</exception>
    public void Infer(ReadOnlySpan<float> windows, ReadOnlySpan<float> emotions, Span<float> results)
    {
        CheckAlive();
        int count = windows.Length / InputLength;
        ModelChecks.Length("windows", windows.Length, count, InputLength);
        ModelChecks.Length("emotions", emotions.Length, count, EmotionLength);
        ModelChecks.Length("results", results.Length, count, OutputLength);
        ModelChecks.Finite("audio window", windows, InputLength);
        ModelChecks.Finite("emotion vector", emotions, EmotionLength);
        lock (Gate)
        {
            for (int first = 0; first < count; first += Network.MaxBatch)
            {
                int batch = Math.Min(Network.MaxBatch, count - first);
                Network.Run(
                    windows.Slice(first * InputLength, batch * InputLength), emotions.Slice(first * EmotionLength, batch * EmotionLength),
                    results.Slice(first * OutputLength, batch * OutputLength), batch);
            }
        }
        ModelChecks.Finite("network output", results, OutputLength, ModelChecks.AdviceFor(_ops));
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
