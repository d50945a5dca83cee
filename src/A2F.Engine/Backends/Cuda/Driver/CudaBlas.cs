using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>cuBLAS in a context. Matrices are column-major, as there.</summary>
internal sealed unsafe class CudaBlas : IDisposable
{
    private readonly CublasTable _table;
    private readonly CudaContext _context;
    private CublasHandle _handle;

    internal CudaBlas(CublasTable table, CudaContext context)
    {
        _table = table;
        _context = context;
        using CudaContext.Scope scope = context.Enter();
        CublasHandle handle;
        Check(table.Create(&handle), "cublasCreate");
        _handle = handle;
        CudaLeaks.Made(this);
    }

    /// <summary>Later products run in this stream.</summary>
    internal void SetStream(CudaStream stream) => Check(_table.SetStream(_handle, stream.Handle), "cublasSetStream");

    /// <summary>Whether fp32 products may be rounded to TF32.</summary>
    internal void SetMathMode(CublasMath mode) => Check(_table.SetMathMode(_handle, mode), "cublasSetMathMode");

    /// <summary>C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C in fp32; leading dimensions count elements between columns.</summary>
    internal void Sgemm(
        CublasOperation opA, CublasOperation opB, int m, int n, int k, float alpha, CUdeviceptr a, int lda, CUdeviceptr b, int ldb,
        float beta, CUdeviceptr c, int ldc) =>
        Check(_table.Sgemm(_handle, opA, opB, m, n, k, &alpha, a, lda, b, ldb, &beta, c, ldc), "cublasSgemm");

    /// <summary>As <see cref="Sgemm"/> with A and B of one type, C of another, and fp32 accumulation.</summary>
    internal void GemmEx(
        CublasOperation opA, CublasOperation opB, int m, int n, int k, float alpha, CUdeviceptr a, int lda, CUdeviceptr b, int ldb,
        float beta, CUdeviceptr c, int ldc, CudaDataType type, CudaDataType typeOfC) =>
        Check(_table.GemmEx(_handle, opA, opB, m, n, k, &alpha, a, type, lda, b, type, ldb, &beta, c, typeOfC, ldc,
            CublasComputeType.Compute32F, CublasGemmAlgo.Default), "cublasGemmEx");

    /// <summary>As <see cref="GemmEx"/>, <paramref name="count"/> times; strides count elements between matrices.</summary>
    internal void GemmStridedBatchedEx(
        CublasOperation opA, CublasOperation opB, int m, int n, int k, float alpha, CUdeviceptr a, int lda, long strideA, CUdeviceptr b,
        int ldb, long strideB, float beta, CUdeviceptr c, int ldc, long strideC, int count, CudaDataType type) =>
        Check(_table.GemmStridedBatchedEx(_handle, opA, opB, m, n, k, &alpha, a, type, lda, strideA, b, type, ldb, strideB, &beta, c, type,
            ldc, strideC, count, CublasComputeType.Compute32F, CublasGemmAlgo.Default), "cublasGemmStridedBatchedEx");

    public void Dispose()
    {
        if (_handle == default) return;
        CudaContext.ReleaseScope scope = _context.EnterToRelease();
        CublasHandle handle = _handle;
        _handle = default;
        CudaLeaks.Released(this);
        CublasStatus status = _table.Destroy(handle);
        scope.End(CUresult.Success, "cublasDestroy");
        Check(status, "cublasDestroy");
    }

    private void Check(CublasStatus status, string call)
    {
        if (status == CublasStatus.Success) return;
        _context.Driver.NoteFailure();
        string name = _table.GetStatusName != null
            ? Marshal.PtrToStringUTF8((nint)_table.GetStatusName(status))! : status.ToString();
        A2FErrorCode code = status == CublasStatus.AllocFailed ? A2FErrorCode.OutOfMemory : A2FErrorCode.DeviceUnavailable;
        throw new A2FException(code,
            $"{call}: {name} ({(int)status}); {_table.Name} may not fit the driver: the engine works without cuBLAS");
    }
}
