using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The tables against NVIDIA's own headers, through a program that a C++ compiler builds from them.</summary>
public sealed class HeaderTests
{
    // Symbols where the engine keeps to an older version on purpose: see DriverTable.
    private static readonly string[] Older = ["cuCtxCreate_v2", "cuGraphExecUpdate", "cuEventElapsedTime", "cuDeviceGetUuid"];

    // C++ has older overloads of these; the cast compiles only if one has exactly these parameters.
    private static readonly Dictionary<string, string> Overloaded = new()
    {
        ["cublasGemmEx"] = "(cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, " +
            "const void *, cudaDataType, int, const void *, cudaDataType, int, const void *, void *, cudaDataType, int, " +
            "cublasComputeType_t, cublasGemmAlgo_t))",
        ["cublasGemmStridedBatchedEx"] = "(cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, " +
            "const void *, const void *, cudaDataType, int, long long, const void *, cudaDataType, int, long long, const void *, void *, " +
            "cudaDataType, int, long long, int, cublasComputeType_t, cublasGemmAlgo_t))",
    };

    private static readonly (string Header, Enum Value)[] Constants =
    [
        ("CUDA_SUCCESS", CUresult.Success), ("CUDA_ERROR_INVALID_VALUE", CUresult.InvalidValue),
        ("CUDA_ERROR_OUT_OF_MEMORY", CUresult.OutOfMemory), ("CUDA_ERROR_NOT_INITIALIZED", CUresult.NotInitialized),
        ("CUDA_ERROR_DEINITIALIZED", CUresult.Deinitialized), ("CUDA_ERROR_STUB_LIBRARY", CUresult.StubLibrary),
        ("CUDA_ERROR_NO_DEVICE", CUresult.NoDevice), ("CUDA_ERROR_INVALID_DEVICE", CUresult.InvalidDevice),
        ("CUDA_ERROR_INVALID_IMAGE", CUresult.InvalidImage), ("CUDA_ERROR_INVALID_CONTEXT", CUresult.InvalidContext),
        ("CUDA_ERROR_NO_BINARY_FOR_GPU", CUresult.NoBinaryForGpu), ("CUDA_ERROR_INVALID_PTX", CUresult.InvalidPtx),
        ("CUDA_ERROR_UNSUPPORTED_PTX_VERSION", CUresult.UnsupportedPtxVersion), ("CUDA_ERROR_NOT_FOUND", CUresult.NotFound),
        ("CUDA_ERROR_NOT_READY", CUresult.NotReady), ("CUDA_ERROR_ILLEGAL_ADDRESS", CUresult.IllegalAddress),
        ("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", CUresult.LaunchOutOfResources), ("CUDA_ERROR_LAUNCH_TIMEOUT", CUresult.LaunchTimeout),
        ("CUDA_ERROR_CONTEXT_IS_DESTROYED", CUresult.ContextIsDestroyed), ("CUDA_ERROR_ASSERT", CUresult.Assert),
        ("CUDA_ERROR_HARDWARE_STACK_ERROR", CUresult.HardwareStackError), ("CUDA_ERROR_LAUNCH_FAILED", CUresult.LaunchFailed),
        ("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", CUresult.SystemDriverMismatch),
        ("CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE", CUresult.GraphExecUpdateFailure), ("CUDA_ERROR_UNKNOWN", CUresult.Unknown),
        ("CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK", CUdeviceAttribute.MaxThreadsPerBlock),
        ("CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK", CUdeviceAttribute.MaxSharedMemoryPerBlock),
        ("CU_DEVICE_ATTRIBUTE_WARP_SIZE", CUdeviceAttribute.WarpSize),
        ("CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK", CUdeviceAttribute.MaxRegistersPerBlock),
        ("CU_DEVICE_ATTRIBUTE_CLOCK_RATE", CUdeviceAttribute.ClockRate),
        ("CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT", CUdeviceAttribute.MultiprocessorCount),
        ("CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE", CUdeviceAttribute.MemoryClockRate),
        ("CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH", CUdeviceAttribute.GlobalMemoryBusWidth),
        ("CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE", CUdeviceAttribute.L2CacheSize),
        ("CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR", CUdeviceAttribute.MaxThreadsPerMultiprocessor),
        ("CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT", CUdeviceAttribute.AsyncEngineCount),
        ("CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR", CUdeviceAttribute.ComputeCapabilityMajor),
        ("CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR", CUdeviceAttribute.ComputeCapabilityMinor),
        ("CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR", CUdeviceAttribute.MaxSharedMemoryPerMultiprocessor),
        ("CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR", CUdeviceAttribute.MaxRegistersPerMultiprocessor),
        ("CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN", CUdeviceAttribute.MaxSharedMemoryPerBlockOptin),
        ("CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED", CUdeviceAttribute.MemoryPoolsSupported),
        ("CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK", CUfunctionAttribute.MaxThreadsPerBlock),
        ("CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES", CUfunctionAttribute.SharedSizeBytes),
        ("CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES", CUfunctionAttribute.ConstSizeBytes),
        ("CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES", CUfunctionAttribute.LocalSizeBytes),
        ("CU_FUNC_ATTRIBUTE_NUM_REGS", CUfunctionAttribute.NumRegs), ("CU_FUNC_ATTRIBUTE_PTX_VERSION", CUfunctionAttribute.PtxVersion),
        ("CU_FUNC_ATTRIBUTE_BINARY_VERSION", CUfunctionAttribute.BinaryVersion),
        ("CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES", CUfunctionAttribute.MaxDynamicSharedSizeBytes),
        ("CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT", CUfunctionAttribute.PreferredSharedMemoryCarveout),
        ("CU_JIT_INFO_LOG_BUFFER", CUjitOption.InfoLogBuffer), ("CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES", CUjitOption.InfoLogBufferSizeBytes),
        ("CU_JIT_ERROR_LOG_BUFFER", CUjitOption.ErrorLogBuffer),
        ("CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES", CUjitOption.ErrorLogBufferSizeBytes),
        ("CU_STREAM_DEFAULT", CUstreamFlags.Default), ("CU_STREAM_NON_BLOCKING", CUstreamFlags.NonBlocking),
        ("CU_STREAM_CAPTURE_MODE_GLOBAL", CUstreamCaptureMode.Global),
        ("CU_STREAM_CAPTURE_MODE_THREAD_LOCAL", CUstreamCaptureMode.ThreadLocal),
        ("CU_STREAM_CAPTURE_MODE_RELAXED", CUstreamCaptureMode.Relaxed),
        ("CU_EVENT_DEFAULT", CUeventFlags.Default), ("CU_EVENT_BLOCKING_SYNC", CUeventFlags.BlockingSync),
        ("CU_EVENT_DISABLE_TIMING", CUeventFlags.DisableTiming), ("CU_MEMHOSTALLOC_PORTABLE", CUmemHostAllocFlags.Portable),
        ("CU_MEMHOSTALLOC_DEVICEMAP", CUmemHostAllocFlags.DeviceMap), ("CU_MEMHOSTALLOC_WRITECOMBINED", CUmemHostAllocFlags.WriteCombined),
        ("CU_GRAPH_EXEC_UPDATE_SUCCESS", CUgraphExecUpdateResult.Success), ("CU_GRAPH_EXEC_UPDATE_ERROR", CUgraphExecUpdateResult.Error),
        ("CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED", CUgraphExecUpdateResult.TopologyChanged),
        ("CU_MEMPOOL_ATTR_RELEASE_THRESHOLD", CUmemPoolAttribute.ReleaseThreshold),
        ("NVRTC_SUCCESS", NvrtcResult.Success), ("NVRTC_ERROR_OUT_OF_MEMORY", NvrtcResult.OutOfMemory),
        ("NVRTC_ERROR_INVALID_OPTION", NvrtcResult.InvalidOption), ("NVRTC_ERROR_COMPILATION", NvrtcResult.Compilation),
        ("NVRTC_ERROR_BUILTIN_OPERATION_FAILURE", NvrtcResult.BuiltinOperationFailure),
        ("CUBLAS_STATUS_SUCCESS", CublasStatus.Success), ("CUBLAS_STATUS_NOT_INITIALIZED", CublasStatus.NotInitialized),
        ("CUBLAS_STATUS_ALLOC_FAILED", CublasStatus.AllocFailed), ("CUBLAS_STATUS_INVALID_VALUE", CublasStatus.InvalidValue),
        ("CUBLAS_STATUS_ARCH_MISMATCH", CublasStatus.ArchMismatch), ("CUBLAS_STATUS_MAPPING_ERROR", CublasStatus.MappingError),
        ("CUBLAS_STATUS_EXECUTION_FAILED", CublasStatus.ExecutionFailed), ("CUBLAS_STATUS_INTERNAL_ERROR", CublasStatus.InternalError),
        ("CUBLAS_STATUS_NOT_SUPPORTED", CublasStatus.NotSupported), ("CUBLAS_STATUS_LICENSE_ERROR", CublasStatus.LicenseError),
        ("CUBLAS_OP_N", CublasOperation.None), ("CUBLAS_OP_T", CublasOperation.Transpose),
        ("CUBLAS_DEFAULT_MATH", CublasMath.Default), ("CUBLAS_PEDANTIC_MATH", CublasMath.Pedantic),
        ("CUBLAS_TF32_TENSOR_OP_MATH", CublasMath.Tf32TensorOp), ("CUDA_R_32F", CudaDataType.R32F), ("CUDA_R_16F", CudaDataType.R16F),
        ("CUDA_R_16BF", CudaDataType.R16BF), ("CUBLAS_COMPUTE_16F", CublasComputeType.Compute16F),
        ("CUBLAS_COMPUTE_32F", CublasComputeType.Compute32F), ("CUBLAS_COMPUTE_32F_FAST_TF32", CublasComputeType.Compute32FFastTf32),
        ("CUBLAS_GEMM_DEFAULT", CublasGemmAlgo.Default), ("MAJOR_VERSION", CublasProperty.MajorVersion),
        ("MINOR_VERSION", CublasProperty.MinorVersion), ("PATCH_LEVEL", CublasProperty.PatchLevel),
    ];

    [HeaderFact]
    public void Symbols_signatures_and_constants_are_those_of_the_headers()
    {
        (FieldInfo Field, string Symbol)[] functions =
            [.. ((string[])["driver", "nvrtc", "cublas"]).SelectMany(DriverTableTests.Fields)];
        Dictionary<string, string> found = RunProgram(functions.Select(f => f.Symbol));
        foreach ((string header, Enum value) in Constants) Same(header, value.ToString("D"));
        Same("sizeof(CUuuid)", "16");
        foreach ((FieldInfo field, string symbol) in functions)
        {
            // The header declares one version of a function only, under its plain name.
            if (Older.Contains(symbol) && found[$"name {Plain(symbol)}"] != symbol) continue;
            Same($"name {Plain(symbol)}", symbol);
            Type type = field.FieldType;
            Same($"signature {symbol}", Kind(type.GetFunctionPointerReturnType()) + "(" +
                string.Concat(type.GetFunctionPointerParameterTypes().Select(Kind)) + ")");
        }

        void Same(string key, string value) => Assert.True(found[key] == value, $"{key}: the headers say {found[key]}, the table {value}");
    }

    [Fact]
    public void Every_constant_is_in_the_check()
    {
        foreach (Type type in Constants.Select(c => c.Value.GetType()).Distinct())
        {
            HashSet<string> named = [.. Constants.Where(c => c.Value.GetType() == type).Select(c => c.Value.ToString())];
            foreach (string name in Enum.GetNames(type).Where(n => n != "None" || type != typeof(CUmemHostAllocFlags)))
                Assert.True(named.Contains(name), $"{type.Name}.{name} is not compared with the headers");
        }
    }

    private static string Plain(string symbol) => symbol.EndsWith("_v2", StringComparison.Ordinal) ? symbol[..^3] : symbol;

    // Bytes that a parameter takes; f for floating point, which travels in other registers.
    private static string Kind(Type type)
    {
        if (type.IsPointer) return "8 ";
        if (type.IsEnum) type = Enum.GetUnderlyingType(type);
        if (type == typeof(float)) return "f4 ";
        if (type == typeof(byte)) return "1 ";
        if (type == typeof(int) || type == typeof(uint) || type == typeof(CUdevice)) return "4 ";
        return "8 ";
    }

    private static Dictionary<string, string> RunProgram(IEnumerable<string> symbols)
    {
        StringBuilder program = new("""
            #include <cuda.h>
            #include <nvrtc.h>
            #include <cublas_v2.h>
            #include <cstdio>
            #include <type_traits>
            #define TEXT_(x) #x
            #define TEXT(x) TEXT_(x)
            template <class T> void kind() { std::printf("%s%d ", std::is_floating_point<T>::value ? "f" : "", (int)sizeof(T)); }
            template <class T> struct Signature;
            template <class R, class... A> struct Signature<R (*)(A...)>
            {
                static void print(const char *name)
                {
                    std::printf("signature %s=", name); kind<R>(); std::printf("(");
                    int each[] = { 0, (kind<A>(), 0)... };
                    (void)each;
                    std::printf(")\n");
                }
            };
            int main()
            {
                std::printf("sizeof(CUuuid)=%d\n", (int)sizeof(CUuuid));

            """);
        foreach ((string header, _) in Constants)
            program.AppendLine(CultureInfo.InvariantCulture, $"std::printf(\"{header}=%d\\n\", (int){header});");
        foreach (string symbol in symbols)
        {
            string plain = Plain(symbol), cast = Overloaded.GetValueOrDefault(symbol, "");
            program.AppendLine(CultureInfo.InvariantCulture, $"std::printf(\"name {plain}=%s\\n\", TEXT({plain}));");
            program.AppendLine(CultureInfo.InvariantCulture, $"Signature<decltype({cast}&{plain})>::print(\"{symbol}\");");
        }
        program.AppendLine("}");
        using TemporaryFolder folder = new();
        string source = folder.File("headers.cpp"), binary = folder.File("headers");
        File.WriteAllText(source, program.ToString());
        Start("c++", "-std=c++14", "-Wno-deprecated-declarations", "-I", HeaderFactAttribute.Include!, source, "-o", binary);
        return Start(binary).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);
    }

    private static string Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {error.Result}");
        return output;
    }
}

/// <summary>A test that needs the toolkit's headers and a C++ compiler: opt-in, since Debian's package of them has 774 MB.</summary>
internal sealed class HeaderFactAttribute : FactAttribute
{
    public HeaderFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (Include is null) Skip = "the CUDA toolkit's headers were not found; A2F_CUDA_INCLUDE names their folder";
    }

    public static string? Include { get; } = new[]
    {
        Environment.GetEnvironmentVariable("A2F_CUDA_INCLUDE"),
        Environment.GetEnvironmentVariable("CUDA_PATH") is { } path ? Path.Combine(path, "include") : null,
        "/usr/local/cuda/include",
        "/usr/include",
    }.FirstOrDefault(folder => folder is not null
        && ((string[])["cuda.h", "nvrtc.h", "cublas_v2.h"]).All(file => File.Exists(Path.Combine(folder, file))));
}
