namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>The functions of cuBLAS that the engine may use for large plain products, by address.</summary>
internal sealed unsafe class CublasTable
{
    internal const string Needed = "cuBLAS 11 or newer";

    internal readonly delegate* unmanaged<CublasProperty, int*, CublasStatus> GetProperty;
    internal readonly delegate* unmanaged<CublasHandle*, CublasStatus> Create;
    internal readonly delegate* unmanaged<CublasHandle, CublasStatus> Destroy;
    internal readonly delegate* unmanaged<CublasHandle, CUstream, CublasStatus> SetStream;
    internal readonly delegate* unmanaged<CublasHandle, CublasMath, CublasStatus> SetMathMode;

    /// <summary>(handle, opA, opB, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc)</summary>
    internal readonly delegate* unmanaged<CublasHandle, CublasOperation, CublasOperation, int, int, int, float*, CUdeviceptr, int,
        CUdeviceptr, int, float*, CUdeviceptr, int, CublasStatus> Sgemm;

    /// <summary>(handle, opA, opB, m, n, k, alpha, A, typeA, lda, B, typeB, ldb, beta, C, typeC, ldc, compute, algorithm)</summary>
    internal readonly delegate* unmanaged<CublasHandle, CublasOperation, CublasOperation, int, int, int, void*, CUdeviceptr, CudaDataType,
        int, CUdeviceptr, CudaDataType, int, void*, CUdeviceptr, CudaDataType, int, CublasComputeType, CublasGemmAlgo, CublasStatus> GemmEx;

    /// <summary>As <see cref="GemmEx"/>, with a stride in elements after each leading dimension, and a count before compute.</summary>
    internal readonly delegate* unmanaged<CublasHandle, CublasOperation, CublasOperation, int, int, int, void*, CUdeviceptr, CudaDataType,
        int, long, CUdeviceptr, CudaDataType, int, long, void*, CUdeviceptr, CudaDataType, int, long, int, CublasComputeType,
        CublasGemmAlgo, CublasStatus> GemmStridedBatchedEx;

    /// <summary>Null before 11.4.2.</summary>
    internal readonly delegate* unmanaged<CublasStatus, byte*> GetStatusName;

    /// <summary>Reads all functions.</summary>
    /// <exception cref="A2FException">A required function is missing.</exception>
    internal CublasTable(ISymbolSource source)
    {
        Name = source.Name;
        SymbolReader read = new(source, Needed);
        GetProperty = (delegate* unmanaged<CublasProperty, int*, CublasStatus>)read.Required("cublasGetProperty");
        Create = (delegate* unmanaged<CublasHandle*, CublasStatus>)read.Required("cublasCreate_v2");
        Destroy = (delegate* unmanaged<CublasHandle, CublasStatus>)read.Required("cublasDestroy_v2");
        SetStream = (delegate* unmanaged<CublasHandle, CUstream, CublasStatus>)read.Required("cublasSetStream_v2");
        SetMathMode = (delegate* unmanaged<CublasHandle, CublasMath, CublasStatus>)read.Required("cublasSetMathMode");
        Sgemm = (delegate* unmanaged<CublasHandle, CublasOperation, CublasOperation, int, int, int, float*, CUdeviceptr, int,
            CUdeviceptr, int, float*, CUdeviceptr, int, CublasStatus>)read.Required("cublasSgemm_v2");
        GemmEx = (delegate* unmanaged<CublasHandle, CublasOperation, CublasOperation, int, int, int, void*, CUdeviceptr, CudaDataType,
            int, CUdeviceptr, CudaDataType, int, void*, CUdeviceptr, CudaDataType, int, CublasComputeType, CublasGemmAlgo,
            CublasStatus>)read.Required("cublasGemmEx");
        GemmStridedBatchedEx = (delegate* unmanaged<CublasHandle, CublasOperation, CublasOperation, int, int, int, void*, CUdeviceptr,
            CudaDataType, int, long, CUdeviceptr, CudaDataType, int, long, void*, CUdeviceptr, CudaDataType, int, long, int,
            CublasComputeType, CublasGemmAlgo, CublasStatus>)read.Required("cublasGemmStridedBatchedEx");
        GetStatusName = (delegate* unmanaged<CublasStatus, byte*>)read.Optional("cublasGetStatusName");
    }

    /// <summary>The library that the functions come from.</summary>
    internal string Name { get; }

    /// <summary>The library's version, which it tells without a device; null where it does not.</summary>
    internal Version? Version
    {
        get
        {
            int major, minor, patch;
            return GetProperty(CublasProperty.MajorVersion, &major) == CublasStatus.Success
                && GetProperty(CublasProperty.MinorVersion, &minor) == CublasStatus.Success
                && GetProperty(CublasProperty.PatchLevel, &patch) == CublasStatus.Success ? new Version(major, minor, patch) : null;
        }
    }
}
