using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using BenchmarkDotNet.Attributes;

namespace A2F.Engine.Bench;

/// <summary>The strided GEMM on one thread with the machine's best instruction set, without an epilogue.</summary>
public class GemmBenchmarks : IDisposable
{
    private CpuOperators _ops = null!;
    private GemmWeights _weights = null!;
    private Tensor _x, _y;

    /// <summary>What to run.</summary>
    [ParamsSource(nameof(Cases))]
    public GemmCase Case { get; set; } = null!;

    /// <summary>All products.</summary>
    public static IEnumerable<GemmCase> Cases => GemmCase.All;

    /// <summary>Fills the tensors with numbers that are neither zero nor denormal.</summary>
    [GlobalSetup]
    public void Setup()
    {
        GemmCase c = Case;
        _ops = new CpuOperators();
        _weights = _ops.Pack(Noise.Of(c.Taps * c.Inputs * c.Outputs * c.Groups, 1), [], c.Taps, c.Inputs, c.Outputs, c.Groups);
        _x = _ops.Allocate(c.Items, ((c.Rows - 1) * c.Stride) + c.Taps, c.Inputs * c.Groups);
        _y = _ops.Allocate(c.Items, c.Rows, c.Outputs * c.Groups);
        _ops.Write(_x, Noise.Of(_x.Items * _x.Rows * _x.Columns, 2));
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _ops.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>One product.</summary>
    [Benchmark]
    public void Gemm() => _ops.Gemm(_x, Case.Stride, _weights, _y);
}
