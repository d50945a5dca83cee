using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>
/// An emotion classifier, loaded and ready to run on windows of one length. One call at a time; make several models, or share one behind a
/// lock, to run on several threads of your own.
/// </summary>
public sealed class EmotionModel : IDisposable
{
    private readonly OperatorSet _ops;
    private readonly EmotionNetwork _network;
    private bool _disposed;

    private EmotionModel(EmotionModelFolder folder, ModelOptions options)
    {
        Folder = folder;
        if (folder.Network is null) throw new A2FException(A2FErrorCode.InvalidModel, $"{folder.Path} holds no network");
        ModelChecks.Batch(options);
        if (options.EmotionWindow is < 400 or > 1_600_000)
            throw new A2FException(A2FErrorCode.OutOfRange, $"emotion window: expected 400 to 1600000 samples, found {options.EmotionWindow}");
        PlacedNetwork<EmotionNetwork> placed = ModelChecks.Place(folder.Path, folder.IsPacked, options, ops => new EmotionNetwork(
            folder.Network, folder.Weights!, ops, options.EmotionWindow, options.MaxBatch, options.FastConvolutions));
        (_ops, _network, DeviceReason) = placed;
    }

    /// <summary>Loads a model folder, or the folder of the given model.json.</summary>
    /// <exception cref="A2FException">A file is missing or wrong, an option is out of range, or memory ran out.</exception>
    public static EmotionModel Load(string path, ModelOptions? options = null)
    {
        EmotionModelFolder folder = EmotionModelFolder.Load(path);
        try
        {
            return new EmotionModel(folder, options ?? new ModelOptions());
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>What the files hold.</summary>
    public EmotionModelFolder Folder { get; }

    /// <summary>What the network runs on, for reports.</summary>
    public string Device => _ops.Name;

    /// <summary>Why it runs there, where the device was "auto"; else null.</summary>
    public string? DeviceReason { get; }

    /// <summary>Bytes that the backend holds: packed weights and activations.</summary>
    public long BackendBytes => _ops.Bytes;

    /// <summary>Samples of one window: <see cref="ModelOptions.EmotionWindow"/>.</summary>
    public int WindowLength => _network.WindowLength;

    /// <summary>Windows that run together.</summary>
    internal int MaxBatch => _network.MaxBatch;

    /// <summary>The network on a GPU; null on a CPU.</summary>
    internal (CudaOperators Operators, IBatchNetwork Network)? OnGpu => _ops is CudaOperators operators ? (operators, _network) : null;

    /// <summary>Held by who queues work of the network.</summary>
    internal object Gate { get; } = new();

    /// <summary>Logits of one window, one for each label.</summary>
    public int Labels => Folder.Network!.Labels;

    /// <summary>Runs any number of windows.</summary>
    /// <param name="windows">[count, <see cref="WindowLength"/>], samples.</param>
    /// <param name="logits">[count, <see cref="Labels"/>].</param>
    /// <exception cref="A2FException">Lengths do not agree, a value is not finite, or the model is disposed.</exception>
    public void Infer(ReadOnlySpan<float> windows, Span<float> logits)
    {
        if (_disposed) throw new A2FException(A2FErrorCode.InvalidArgument, $"the model of {Folder.Path} was disposed");
        int count = windows.Length / WindowLength;
        ModelChecks.Length("windows", windows.Length, count, WindowLength);
        ModelChecks.Length("logits", logits.Length, count, Labels);
        ModelChecks.Finite("audio window", windows, WindowLength);
        for (int first = 0; first < count; first += _network.MaxBatch)
        {
            int batch = Math.Min(_network.MaxBatch, count - first);
            lock (Gate) _network.Run(windows.Slice(first * WindowLength, batch * WindowLength), logits.Slice(first * Labels, batch * Labels), batch);
        }
        ModelChecks.Finite("network output", logits, Labels, ModelChecks.AdviceFor(_ops));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _ops.Dispose();
        Folder.Dispose();
    }
}
