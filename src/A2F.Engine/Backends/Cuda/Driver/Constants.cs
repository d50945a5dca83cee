namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>Results of driver calls that the engine tells apart; the driver names all others.</summary>
internal enum CUresult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    NotInitialized = 3,
    Deinitialized = 4,
    StubLibrary = 34,
    NoDevice = 100,
    InvalidDevice = 101,
    InvalidImage = 200,
    InvalidContext = 201,
    NoBinaryForGpu = 209,
    InvalidPtx = 218,
    UnsupportedPtxVersion = 222,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    LaunchOutOfResources = 701,
    LaunchTimeout = 702,
    ContextIsDestroyed = 709,
    Assert = 710,
    HardwareStackError = 714,
    LaunchFailed = 719,
    SystemDriverMismatch = 803,
    GraphExecUpdateFailure = 910,
    Unknown = 999,
}

internal enum CUdeviceAttribute
{
    MaxThreadsPerBlock = 1,
    MaxSharedMemoryPerBlock = 8,
    WarpSize = 10,
    MaxRegistersPerBlock = 12,
    ClockRate = 13,
    MultiprocessorCount = 16,
    MemoryClockRate = 36,
    GlobalMemoryBusWidth = 37,
    L2CacheSize = 38,
    MaxThreadsPerMultiprocessor = 39,
    AsyncEngineCount = 40,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
    MaxSharedMemoryPerMultiprocessor = 81,
    MaxRegistersPerMultiprocessor = 82,
    MaxSharedMemoryPerBlockOptin = 97,
    MemoryPoolsSupported = 115,
}

internal enum CUfunctionAttribute
{
    MaxThreadsPerBlock = 0,
    SharedSizeBytes = 1,
    ConstSizeBytes = 2,
    LocalSizeBytes = 3,
    NumRegs = 4,
    PtxVersion = 5,
    BinaryVersion = 6,
    MaxDynamicSharedSizeBytes = 8,
    PreferredSharedMemoryCarveout = 9,
}

internal enum CUjitOption
{
    InfoLogBuffer = 3,
    InfoLogBufferSizeBytes = 4,
    ErrorLogBuffer = 5,
    ErrorLogBufferSizeBytes = 6,
}

[Flags]
internal enum CUstreamFlags : uint
{
    Default = 0,
    NonBlocking = 1,
}

internal enum CUstreamCaptureMode
{
    Global = 0,
    ThreadLocal = 1,
    Relaxed = 2,
}

[Flags]
internal enum CUeventFlags : uint
{
    Default = 0,
    BlockingSync = 1,
    DisableTiming = 2,
}

[Flags]
internal enum CUmemHostAllocFlags : uint
{
    None = 0,
    Portable = 1,
    DeviceMap = 2,
    WriteCombined = 4,
}

internal enum CUgraphExecUpdateResult
{
    Success = 0,
    Error = 1,
    TopologyChanged = 2,
}

internal enum CUmemPoolAttribute
{
    ReleaseThreshold = 4,
}

internal enum NvrtcResult
{
    Success = 0,
    OutOfMemory = 1,
    InvalidOption = 5,
    Compilation = 6,
    BuiltinOperationFailure = 7,
}

internal enum CublasStatus
{
    Success = 0,
    NotInitialized = 1,
    AllocFailed = 3,
    InvalidValue = 7,
    ArchMismatch = 8,
    MappingError = 11,
    ExecutionFailed = 13,
    InternalError = 14,
    NotSupported = 15,
    LicenseError = 16,
}

/// <summary>libraryPropertyType of library_types.h.</summary>
internal enum CublasProperty
{
    MajorVersion = 0,
    MinorVersion = 1,
    PatchLevel = 2,
}

internal enum CublasOperation
{
    None = 0,
    Transpose = 1,
}

internal enum CublasMath
{
    Default = 0,
    Pedantic = 2,
    Tf32TensorOp = 3,
}

/// <summary>Element types; cudaDataType_t of library_types.h.</summary>
internal enum CudaDataType
{
    R32F = 0,
    R16F = 2,
    R16BF = 14,
}

internal enum CublasComputeType
{
    Compute16F = 64,
    Compute32F = 68,
    Compute32FFastTf32 = 77,
}

internal enum CublasGemmAlgo
{
    Default = -1,
}
