using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

// Large plain products by cuBLAS, where that is asked for: it writes float32 sums, reduce.cu finishes the rows.
internal sealed unsafe partial class CudaOperators
{
    private HashSet<CudaGemmWeights>? _measured;

    /// <summary>Whether cuBLAS takes the layers that it can.</summary>
    internal CublasUse Cublas { get; set; }

    private bool TryCublas(Tensor x, int stride, CudaGemmWeights w, Tensor y, Epilogue epilogue)
    {
        if (epilogue.Accumulate || epilogue.ItemScale is not null || !IsForCublas(x, w, () => Gemm(x, stride, w, y, epilogue))) return false;
        FinishRows(Product(x, w, y), w, epilogue.Activation, epilogue.Residual, y);
        return true;
    }

    private bool IsForCublas(
        Tensor x, CudaGemmWeights w, Activation activation, Tensor residual, NormWeights norm, Tensor y, Tensor? sum) =>
        IsForCublas(x, w, () => GemmLayerNorm(x, w, activation, residual, norm, y, sum));

    private bool IsForCublas(Tensor x, CudaGemmWeights w, Action layer)
    {
        if (!_worker.HasBlas || !CanBePlain(x, w)) return false;
        if (Cublas == CublasUse.On) return true;
        if (_measured is { } known && known.Add(w)) Measure(w, layer);
        return w.UseCublas;
    }

    /// <summary>Whether x is one matrix of evenly spaced rows.</summary>
    private static bool CanBePlain(Tensor x, CudaGemmWeights w) =>
        w.Groups == 1 && w.Taps == 1 && w.Type == x.Type && (x.Rows == 1 || x.ItemStride == (long)x.Rows * x.RowStride || x.Items == 1);

    /// <summary>Times every layer that cuBLAS can compute and remembers the faster way; <paramref name="run"/> calls each once.</summary>
    internal void Measure(Action run)
    {
        if (Cublas != CublasUse.Measured || !_worker.HasBlas) return;
        _measured = [];
        run();
        _measured = null;
    }

    private void Measure(CudaGemmWeights w, Action layer)
    {
        const float WorthIt = 0.95f;
        float ours = _worker.Time(layer);
        w.UseCublas = true;
        float theirs = _worker.Time(layer);
        w.UseCublas = _worker is CudaPlan || theirs < WorthIt * ours;
    }

    private ulong Product(Tensor x, CudaGemmWeights w, Tensor y)
    {
        int rows = y.Items * y.Rows;
        ulong sums = Ensure(ref _partials, (long)rows * w.Outputs * sizeof(float));
        int pitch = (int)(x.Rows == 1 ? x.ItemStride : x.RowStride);
        _worker.Product(new BlasProduct(rows, w.Outputs, w.Depth, (ulong)x.Address, pitch, w.Matrix, w.Pitch, sums, w.Type));
        return sums;
    }

    private void FinishRows(ulong sums, CudaGemmWeights w, Activation activation, Tensor? residual, Tensor y)
    {
        ReduceArguments arguments = new()
        {
            Partials = sums,
            Bias = w.Bias,
            Residual = residual is { } other ? new View(other with { Rows = y.Rows }) : default,
            Y = new View(y),
            Splits = 1,
            AllRows = y.Items * y.Rows,
            Columns = w.Outputs,
            Activation = (int)activation,
        };
        void* pointer = &arguments;
        string element = y.Type == ElementType.Float16 ? "HALF=1" : "HALF=0";
        _worker.Launch(
            new KernelLaunch(new KernelSpec("reduce.cu", "finish_rows", element),
                new Dim3(Blocks(w.Outputs, 128), (uint)arguments.AllRows), 128, 0, 0,
                (long)arguments.AllRows * w.Outputs * sizeof(float) + BytesOf(y)),
            &pointer);
    }
}
