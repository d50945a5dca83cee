using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using BenchmarkDotNet.Attributes;

namespace A2F.Engine.Bench;

/// <summary>The operators beside the GEMM, on one thread, in the sizes of one window of the full-size regression network.</summary>
public class RowBenchmarks : IDisposable
{
    private CpuOperators _ops = null!;
    private Tensor _long, _work, _wide, _wideWork, _wideScale, _channelScale, _qkv, _audio, _taper, _lags;

    /// <summary>Fills the tensors with numbers that are neither zero nor denormal.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _ops = new CpuOperators();
        _long = Filled(1663, 512);
        _work = _ops.Allocate(1, 1663, 512);
        _wideWork = _ops.Allocate(1, 25, 768);
        _wide = Filled(25, 768);
        _qkv = Filled(25, 3 * 768);
        _audio = Filled(1, 8320);
        _lags = _ops.Allocate(1, 25, 32);
        _channelScale = _ops.Upload(Noise.Of(512, 5));
        _wideScale = _ops.Upload(Noise.Of(768, 6));
        _taper = _ops.Upload(Noise.Of(640, 7));

        Tensor Filled(int rows, int columns)
        {
            Tensor tensor = _ops.Allocate(1, rows, columns);
            _ops.Write(tensor, Noise.Of(rows * columns, rows));
            return tensor;
        }
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _ops.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What the next two spend before they start: normalising in place again and again would drift to numbers no speech gives.</summary>
    [Benchmark]
    public void Copy_1663x512() => _ops.Scale(_long, 1, _work);

    /// <summary>After the first convolution.</summary>
    [Benchmark]
    public void CopyGroupNorm_1663x512()
    {
        _ops.Scale(_long, 1, _work);
        _ops.GroupNorm(_work, new NormWeights(_channelScale, _channelScale, 1e-5f), Activation.None);
    }

    /// <summary>The same with its GELU; the difference is what 851,456 GELUs cost.</summary>
    [Benchmark]
    public void CopyGroupNormGelu_1663x512()
    {
        _ops.Scale(_long, 1, _work);
        _ops.GroupNorm(_work, new NormWeights(_channelScale, _channelScale, 1e-5f), Activation.Gelu);
    }

    /// <summary>Before and after each transformer block.</summary>
    [Benchmark]
    public void LayerNorm_25x768() => _ops.LayerNorm(_wide, new NormWeights(_wideScale, _wideScale, 1e-5f), _wideWork);

    /// <summary>Twelve heads.</summary>
    [Benchmark]
    public void Attention_25x768() => _ops.Attention(_qkv, 12, _wideWork);

    /// <summary>Frames of 640 samples, 32 lags.</summary>
    [Benchmark]
    public void AutoCorrelation_25x32() => _ops.AutoCorrelation(_audio, _taper, 320, 1, _lags);
}
