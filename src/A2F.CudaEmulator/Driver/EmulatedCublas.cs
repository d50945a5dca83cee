namespace A2F.CudaEmulator.Driver;

/// <summary>
/// The functions of cuBLAS that the engine's table holds, run by the emulator: what that table is filled with where there is no GPU.
/// Matrices are column-major; arguments are checked as cuBLAS documents it; products run in the handle's stream.
/// </summary>
public static unsafe class EmulatedCublas
{
    private const int Success = 0, NotInitialized = 1, AllocFailed = 3, InvalidValue = 7, ExecutionFailed = 13, NotSupported = 15;
    private const int Single = 0, Half = 2;
    private static readonly int[] Version = [12, 0, 0];
    private static readonly Dictionary<string, nint> Exports = new(StringComparer.Ordinal)
    {
        ["cublasGetProperty"] = (nint)(delegate* unmanaged<int, int*, int>)&GetProperty,
        ["cublasCreate_v2"] = (nint)(delegate* unmanaged<nint*, int>)&Create,
        ["cublasDestroy_v2"] = (nint)(delegate* unmanaged<nint, int>)&Destroy,
        ["cublasSetStream_v2"] = (nint)(delegate* unmanaged<nint, nint, int>)&SetStream,
        ["cublasSetMathMode"] = (nint)(delegate* unmanaged<nint, int, int>)&SetMathMode,
        ["cublasSgemm_v2"] = (nint)(delegate* unmanaged<nint, int, int, int, int, int, float*, ulong, int, ulong, int, float*, ulong,
            int, int>)&Sgemm,
        ["cublasGemmEx"] = (nint)(delegate* unmanaged<nint, int, int, int, int, int, void*, ulong, int, int, ulong, int, int, void*,
            ulong, int, int, int, int, int>)&GemmEx,
        ["cublasGemmStridedBatchedEx"] = (nint)(delegate* unmanaged<nint, int, int, int, int, int, void*, ulong, int, int, long, ulong,
            int, int, long, void*, ulong, int, int, long, int, int, int, int>)&GemmStridedBatchedEx,
        ["cublasGetStatusName"] = (nint)(delegate* unmanaged<int, byte*>)&GetStatusName,
    };

    /// <summary>The address of a cuBLAS function, or 0 where the emulator does not have it.</summary>
    public static nint Find(string symbol) => Exports.GetValueOrDefault(symbol);

    /// <summary>What a handle stands for: products run in its stream, whichever context is current.</summary>
    private sealed class Blas(Context owner) : Resource(owner)
    {
        internal Stream Stream = owner.Default;
    }

    [UnmanagedCallersOnly]
    private static int GetProperty(int property, int* value)
    {
        if (value == null || property is < 0 or > 2) return InvalidValue;
        *value = Version[property];
        return Success;
    }

    [UnmanagedCallersOnly]
    private static int Create(nint* handle)
    {
        if (handle == null) return InvalidValue;
        int result = Machine.Call("cublasCreate", CallKind.InContext, () => *handle = Machine.Add(new Blas(Machine.Current)).Handle);
        return result switch { 0 => Success, 2 => AllocFailed, _ => NotInitialized };
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint handle) => Call("cublasDestroy", CallKind.Release, handle, blas =>
    {
        blas.Discard();
        return Success;
    });

    [UnmanagedCallersOnly]
    private static int SetStream(nint handle, nint stream) => Call("cublasSetStream", CallKind.Free, handle, blas =>
    {
        Stream chosen = stream == 0 ? blas.Owner.Default : Machine.Get<Stream>(stream);
        if (chosen.Owner != blas.Owner) return InvalidValue;
        blas.Stream = chosen;
        return Success;
    });

    /// <summary>Every mode computes in fp32 here: a TF32 mode allows less exact products, it does not ask for them.</summary>
    [UnmanagedCallersOnly]
    private static int SetMathMode(nint handle, int mode) =>
        Call("cublasSetMathMode", CallKind.Free, handle, _ => (mode & ~16) is >= 0 and <= 3 ? Success : InvalidValue);

    [UnmanagedCallersOnly]
    private static int Sgemm(
        nint handle, int opA, int opB, int m, int n, int k, float* alpha, ulong a, int lda, ulong b, int ldb, float* beta, ulong c,
        int ldc) =>
        Run("cublasSgemm", handle, opA, opB, m, n, k, alpha, new(a, lda, 0, false), new(b, ldb, 0, false), beta, new(c, ldc, 0, false), 1);

    [UnmanagedCallersOnly]
    private static int GemmEx(
        nint handle, int opA, int opB, int m, int n, int k, void* alpha, ulong a, int typeA, int lda, ulong b, int typeB, int ldb,
        void* beta, ulong c, int typeC, int ldc, int compute, int algorithm) =>
        Run("cublasGemmEx", handle, opA, opB, m, n, k, (float*)alpha, new(a, lda, 0, typeA == Half), new(b, ldb, 0, typeB == Half),
            (float*)beta, new(c, ldc, 0, typeC == Half), 1, Supported(typeA, typeB, typeC, compute, algorithm));

    [UnmanagedCallersOnly]
    private static int GemmStridedBatchedEx(
        nint handle, int opA, int opB, int m, int n, int k, void* alpha, ulong a, int typeA, int lda, long strideA, ulong b, int typeB,
        int ldb, long strideB, void* beta, ulong c, int typeC, int ldc, long strideC, int count, int compute, int algorithm) =>
        Run("cublasGemmStridedBatchedEx", handle, opA, opB, m, n, k, (float*)alpha, new(a, lda, strideA, typeA == Half),
            new(b, ldb, strideB, typeB == Half), (float*)beta, new(c, ldc, strideC, typeC == Half), count,
            Supported(typeA, typeB, typeC, compute, algorithm));

    [UnmanagedCallersOnly]
    private static byte* GetStatusName(int status) => Machine.Text(status switch
    {
        Success => "CUBLAS_STATUS_SUCCESS",
        NotInitialized => "CUBLAS_STATUS_NOT_INITIALIZED",
        AllocFailed => "CUBLAS_STATUS_ALLOC_FAILED",
        InvalidValue => "CUBLAS_STATUS_INVALID_VALUE",
        ExecutionFailed => "CUBLAS_STATUS_EXECUTION_FAILED",
        NotSupported => "CUBLAS_STATUS_NOT_SUPPORTED",
        _ => "<unknown>",
    });

    /// <summary>Runs a function on what a handle stands for. What the driver's work finds becomes a failed execution.</summary>
    private static int Call(string function, CallKind kind, nint handle, Func<Blas, int> body)
    {
        int status = NotInitialized;
        int result = Machine.Call(function, kind, () =>
        {
            Blas blas = Machine.Get<Blas>(handle);
            status = ExecutionFailed;
            status = body(blas);
        });
        return result == 2 ? AllocFailed : result != 0 && status == Success ? ExecutionFailed : status;
    }

    /// <summary>fp32 throughout, or fp16 factors with either result; sums, alpha and beta are fp32.</summary>
    private static bool Supported(int a, int b, int c, int compute, int algorithm)
    {
        const int compute32F = 68, pedantic32F = 69, fastTf32 = 77;
        bool types = (a, b, c) is (Single, Single, Single) or (Half, Half, Half) or (Half, Half, Single);
        bool computes = compute is compute32F or pedantic32F || (compute == fastTf32 && a == Single);
        return types && computes && algorithm is (>= -1 and <= 23) or (>= 99 and <= 115);
    }

    private static int Run(
        string function, nint handle, int opA, int opB, int m, int n, int k, float* alpha, CublasMatrix a, CublasMatrix b, float* beta,
        CublasMatrix c, int count, bool supported = true) => Call(function, CallKind.InContext, handle, blas =>
    {
        if (!supported) return NotSupported;
        if (opA is < 0 or > 2 || opB is < 0 or > 2 || m < 0 || n < 0 || k < 0 || count < 0) return InvalidValue;
        bool turnedA = opA != 0, turnedB = opB != 0;
        if (a.Leading < Math.Max(1, turnedA ? k : m) || b.Leading < Math.Max(1, turnedB ? n : k)) return InvalidValue;
        if (c.Leading < Math.Max(1, m) || alpha == null || beta == null) return InvalidValue;
        if (m == 0 || n == 0 || count == 0) return Success;
        int steps = *alpha != 0 ? k : 0;
        if (c.Address == 0 || (steps > 0 && (a.Address == 0 || b.Address == 0))) return InvalidValue;
        blas.Stream.Submit(new CublasProduct(function, m, n, steps, *alpha, *beta, a, turnedA, b, turnedB, c, count));
        return Success;
    });
}
