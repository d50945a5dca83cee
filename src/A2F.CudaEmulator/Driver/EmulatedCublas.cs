namespace A2F.CudaEmulator.Driver;

/// <summary>
/// The functions of cuBLAS that the engine's table holds, run by the emulator: what that table is filled with where there is no GPU.
/// Matrices are column-major; arguments are checked as cuBLAS documents it; products run in the handle's stream.
/// </summary>
public static unsafe class EmulatedCublas
{
    private const int Success = 0, NotInitialized = 1, InvalidValue = 7, ExecutionFailed = 13, NotSupported = 15;
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

    /// <summary>What a handle stands for.</summary>
    private sealed class Blas(EmulatedDevice device)
    {
        internal readonly EmulatedDevice Device = device;
        internal nint Stream;
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
        return Machine.Call(() => *handle = Machine.Add(new Blas(Machine.CurrentDevice))) == 0 ? Success : NotInitialized;
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint handle) => Machine.Call(() => Machine.Remove<Blas>(handle)) == 0 ? Success : NotInitialized;

    [UnmanagedCallersOnly]
    private static int SetStream(nint handle, nint stream)
    {
        if (Of(handle) is not { } blas) return NotInitialized;
        if (stream != 0 && Machine.Call(() => Machine.Get<Machine.Stream>(stream)) != 0) return InvalidValue;
        blas.Stream = stream;
        return Success;
    }

    /// <summary>Every mode computes in fp32 here: a TF32 mode allows less exact products, it does not ask for them.</summary>
    [UnmanagedCallersOnly]
    private static int SetMathMode(nint handle, int mode) =>
        Of(handle) is null ? NotInitialized : (mode & ~16) is >= 0 and <= 3 ? Success : InvalidValue;

    [UnmanagedCallersOnly]
    private static int Sgemm(
        nint handle, int opA, int opB, int m, int n, int k, float* alpha, ulong a, int lda, ulong b, int ldb, float* beta, ulong c,
        int ldc) =>
        Run("cublasSgemm", handle, opA, opB, m, n, k, alpha, new(a, lda, 0, false), new(b, ldb, 0, false), beta, new(c, ldc, 0, false), 1);

    [UnmanagedCallersOnly]
    private static int GemmEx(
        nint handle, int opA, int opB, int m, int n, int k, void* alpha, ulong a, int typeA, int lda, ulong b, int typeB, int ldb,
        void* beta, ulong c, int typeC, int ldc, int compute, int algorithm) =>
        Of(handle) is null ? NotInitialized : !Supported(typeA, typeB, typeC, compute, algorithm) ? NotSupported
            : Run("cublasGemmEx", handle, opA, opB, m, n, k, (float*)alpha, new(a, lda, 0, typeA == Half), new(b, ldb, 0, typeB == Half),
                (float*)beta, new(c, ldc, 0, typeC == Half), 1);

    [UnmanagedCallersOnly]
    private static int GemmStridedBatchedEx(
        nint handle, int opA, int opB, int m, int n, int k, void* alpha, ulong a, int typeA, int lda, long strideA, ulong b, int typeB,
        int ldb, long strideB, void* beta, ulong c, int typeC, int ldc, long strideC, int count, int compute, int algorithm) =>
        Of(handle) is null ? NotInitialized : !Supported(typeA, typeB, typeC, compute, algorithm) ? NotSupported
            : Run("cublasGemmStridedBatchedEx", handle, opA, opB, m, n, k, (float*)alpha, new(a, lda, strideA, typeA == Half),
                new(b, ldb, strideB, typeB == Half), (float*)beta, new(c, ldc, strideC, typeC == Half), count);

    [UnmanagedCallersOnly]
    private static byte* GetStatusName(int status) => Machine.Text(status switch
    {
        Success => "CUBLAS_STATUS_SUCCESS",
        NotInitialized => "CUBLAS_STATUS_NOT_INITIALIZED",
        InvalidValue => "CUBLAS_STATUS_INVALID_VALUE",
        ExecutionFailed => "CUBLAS_STATUS_EXECUTION_FAILED",
        NotSupported => "CUBLAS_STATUS_NOT_SUPPORTED",
        _ => "<unknown>",
    });

    private static Blas? Of(nint handle)
    {
        Blas? found = null;
        Machine.Call(() => found = Machine.Get<Blas>(handle));
        return found;
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
        string call, nint handle, int opA, int opB, int m, int n, int k, float* alpha, CublasMatrix a, CublasMatrix b, float* beta,
        CublasMatrix c, int count)
    {
        if (Of(handle) is not { } blas) return NotInitialized;
        if (opA is < 0 or > 2 || opB is < 0 or > 2 || m < 0 || n < 0 || k < 0 || count < 0) return InvalidValue;
        bool turnedA = opA != 0, turnedB = opB != 0;
        if (a.Leading < Math.Max(1, turnedA ? k : m) || b.Leading < Math.Max(1, turnedB ? n : k)) return InvalidValue;
        if (c.Leading < Math.Max(1, m) || alpha == null || beta == null) return InvalidValue;
        if (m == 0 || n == 0 || count == 0) return Success;
        int steps = *alpha != 0 ? k : 0;
        if (c.Address == 0 || (steps > 0 && (a.Address == 0 || b.Address == 0))) return InvalidValue;
        string name = $"{call} of [{m}, {k}] and [{k}, {n}]";
        CublasProduct product = new(name, m, n, steps, *alpha, *beta, a, turnedA, b, turnedB, c, count);
        return Machine.Call(() => Machine.Submit(blas.Stream, () => product.Run(blas.Device))) == 0 ? Success : ExecutionFailed;
    }
}
