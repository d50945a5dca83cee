using A2F.Engine.Backends.Cpu;
using A2F.Engine.Networks;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;

namespace A2F.Engine.Bench;

/// <summary>This engine's side of a comparison; the only place of the harness that knows the engine's network classes.</summary>
internal sealed class EngineSide : IDisposable
{
    private readonly CpuOperators _operators;
    private readonly RegressionNetwork _network;
    private readonly int _batch;

    /// <summary>Loads a network from the same file that ONNX Runtime reads.</summary>
    /// <exception cref="A2FException">The network is not one that the engine knows.</exception>
    public EngineSide(string onnxPath, int threads, int batch)
    {
        _batch = batch;
        (RegressionConfig config, WeightSet weights) = RegressionImporter.Import(onnxPath);
        _operators = new CpuOperators(threads);
        _network = new RegressionNetwork(config, weights, _operators, batch);
    }

    /// <summary>What the engine runs on.</summary>
    public string Backend => _operators.Name;

    /// <summary>One inference of the whole batch.</summary>
    public void Run(ReadOnlySpan<float> audio, ReadOnlySpan<float> emotion, Span<float> result) =>
        _network.Run(audio, emotion, result, _batch);

    public void Dispose() => _operators.Dispose();
}
