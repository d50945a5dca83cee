namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>
/// The CUDA driver's functions, by address. Each symbol is the one that cuda.h of CUDA 12 maps the plain name to, with two exceptions:
/// cuCtxCreate_v2 and the first cuGraphExecUpdate are what drivers of CUDA 11.4 have already, and every later driver still exports.
/// </summary>
internal sealed unsafe class DriverTable
{
    internal const string Needed = "an NVIDIA driver of CUDA 11.4 or newer (470 or newer)";

    internal readonly delegate* unmanaged<uint, CUresult> Init;
    internal readonly delegate* unmanaged<int*, CUresult> DriverGetVersion;
    internal readonly delegate* unmanaged<CUresult, byte**, CUresult> GetErrorName;
    internal readonly delegate* unmanaged<CUresult, byte**, CUresult> GetErrorString;

    internal readonly delegate* unmanaged<int*, CUresult> DeviceGetCount;
    internal readonly delegate* unmanaged<CUdevice*, int, CUresult> DeviceGet;
    internal readonly delegate* unmanaged<byte*, int, CUdevice, CUresult> DeviceGetName;
    internal readonly delegate* unmanaged<int*, CUdeviceAttribute, CUdevice, CUresult> DeviceGetAttribute;
    internal readonly delegate* unmanaged<CUuuid*, CUdevice, CUresult> DeviceGetUuid;
    internal readonly delegate* unmanaged<nuint*, CUdevice, CUresult> DeviceTotalMem;

    internal readonly delegate* unmanaged<CUcontext*, CUdevice, CUresult> DevicePrimaryCtxRetain;
    internal readonly delegate* unmanaged<CUdevice, CUresult> DevicePrimaryCtxRelease;
    internal readonly delegate* unmanaged<CUcontext*, uint, CUdevice, CUresult> CtxCreate;
    internal readonly delegate* unmanaged<CUcontext, CUresult> CtxDestroy;
    internal readonly delegate* unmanaged<CUcontext, CUresult> CtxSetCurrent;
    internal readonly delegate* unmanaged<CUcontext*, CUresult> CtxGetCurrent;
    internal readonly delegate* unmanaged<CUdevice*, CUresult> CtxGetDevice;
    internal readonly delegate* unmanaged<CUcontext, CUresult> CtxPushCurrent;
    internal readonly delegate* unmanaged<CUcontext*, CUresult> CtxPopCurrent;
    internal readonly delegate* unmanaged<CUresult> CtxSynchronize;
    internal readonly delegate* unmanaged<int*, int*, CUresult> CtxGetStreamPriorityRange;

    internal readonly delegate* unmanaged<nuint*, nuint*, CUresult> MemGetInfo;
    internal readonly delegate* unmanaged<CUdeviceptr*, nuint, CUresult> MemAlloc;
    internal readonly delegate* unmanaged<CUdeviceptr, CUresult> MemFree;
    internal readonly delegate* unmanaged<void**, nuint, CUmemHostAllocFlags, CUresult> MemHostAlloc;
    internal readonly delegate* unmanaged<void*, CUresult> MemFreeHost;
    internal readonly delegate* unmanaged<CUdeviceptr, void*, nuint, CUresult> MemcpyHtoD;
    internal readonly delegate* unmanaged<void*, CUdeviceptr, nuint, CUresult> MemcpyDtoH;
    internal readonly delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUresult> MemcpyDtoD;
    internal readonly delegate* unmanaged<CUdeviceptr, void*, nuint, CUstream, CUresult> MemcpyHtoDAsync;
    internal readonly delegate* unmanaged<void*, CUdeviceptr, nuint, CUstream, CUresult> MemcpyDtoHAsync;
    internal readonly delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUstream, CUresult> MemcpyDtoDAsync;
    internal readonly delegate* unmanaged<CUdeviceptr, byte, nuint, CUstream, CUresult> MemsetD8Async;
    internal readonly delegate* unmanaged<CUdeviceptr, uint, nuint, CUstream, CUresult> MemsetD32Async;

    internal readonly delegate* unmanaged<CUstream*, CUstreamFlags, CUresult> StreamCreate;
    internal readonly delegate* unmanaged<CUstream*, CUstreamFlags, int, CUresult> StreamCreateWithPriority;
    internal readonly delegate* unmanaged<CUstream, CUresult> StreamDestroy;
    internal readonly delegate* unmanaged<CUstream, CUresult> StreamSynchronize;
    internal readonly delegate* unmanaged<CUstream, CUresult> StreamQuery;
    internal readonly delegate* unmanaged<CUstream, CUevent, uint, CUresult> StreamWaitEvent;
    internal readonly delegate* unmanaged<CUstream, CUstreamCaptureMode, CUresult> StreamBeginCapture;
    internal readonly delegate* unmanaged<CUstream, CUgraph*, CUresult> StreamEndCapture;

    internal readonly delegate* unmanaged<CUevent*, CUeventFlags, CUresult> EventCreate;
    internal readonly delegate* unmanaged<CUevent, CUstream, CUresult> EventRecord;
    internal readonly delegate* unmanaged<CUevent, CUresult> EventQuery;
    internal readonly delegate* unmanaged<CUevent, CUresult> EventSynchronize;
    internal readonly delegate* unmanaged<float*, CUevent, CUevent, CUresult> EventElapsedTime;
    internal readonly delegate* unmanaged<CUevent, CUresult> EventDestroy;

    internal readonly delegate* unmanaged<CUmodule*, void*, uint, CUjitOption*, void**, CUresult> ModuleLoadDataEx;
    internal readonly delegate* unmanaged<CUmodule, CUresult> ModuleUnload;
    internal readonly delegate* unmanaged<CUfunction*, CUmodule, byte*, CUresult> ModuleGetFunction;
    internal readonly delegate* unmanaged<CUdeviceptr*, nuint*, CUmodule, byte*, CUresult> ModuleGetGlobal;
    internal readonly delegate* unmanaged<int*, CUfunctionAttribute, CUfunction, CUresult> FuncGetAttribute;
    internal readonly delegate* unmanaged<CUfunction, CUfunctionAttribute, int, CUresult> FuncSetAttribute;
    internal readonly delegate* unmanaged<CUfunction, uint, uint, uint, uint, uint, uint, uint, CUstream, void**, void**, CUresult>
        LaunchKernel;
    internal readonly delegate* unmanaged<int*, CUfunction, int, nuint, CUresult> OccupancyMaxActiveBlocksPerMultiprocessor;

    internal readonly delegate* unmanaged<CUgraphExec*, CUgraph, ulong, CUresult> GraphInstantiateWithFlags;
    internal readonly delegate* unmanaged<CUgraphExec, CUstream, CUresult> GraphLaunch;
    internal readonly delegate* unmanaged<CUgraphExec, CUgraph, CUgraphNode*, CUgraphExecUpdateResult*, CUresult> GraphExecUpdate;
    internal readonly delegate* unmanaged<CUgraph, CUgraphNode*, nuint*, CUresult> GraphGetNodes;
    internal readonly delegate* unmanaged<CUgraphExec, CUresult> GraphExecDestroy;
    internal readonly delegate* unmanaged<CUgraph, CUresult> GraphDestroy;

    // Optional: null where the driver has no memory pools.
    internal readonly delegate* unmanaged<CUdeviceptr*, nuint, CUstream, CUresult> MemAllocAsync;
    internal readonly delegate* unmanaged<CUdeviceptr, CUstream, CUresult> MemFreeAsync;
    internal readonly delegate* unmanaged<CUmemoryPool*, CUdevice, CUresult> DeviceGetDefaultMemPool;
    internal readonly delegate* unmanaged<CUmemoryPool, CUmemPoolAttribute, void*, CUresult> MemPoolSetAttribute;
    internal readonly delegate* unmanaged<CUmemoryPool, nuint, CUresult> MemPoolTrimTo;

    /// <summary>Reads all functions.</summary>
    /// <exception cref="A2FException">A required function is missing.</exception>
    internal DriverTable(ISymbolSource source)
    {
        Name = source.Name;
        SymbolReader read = new(source, Needed);
        Init = (delegate* unmanaged<uint, CUresult>)read.Required("cuInit");
        DriverGetVersion = (delegate* unmanaged<int*, CUresult>)read.Required("cuDriverGetVersion");
        GetErrorName = (delegate* unmanaged<CUresult, byte**, CUresult>)read.Required("cuGetErrorName");
        GetErrorString = (delegate* unmanaged<CUresult, byte**, CUresult>)read.Required("cuGetErrorString");

        DeviceGetCount = (delegate* unmanaged<int*, CUresult>)read.Required("cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged<CUdevice*, int, CUresult>)read.Required("cuDeviceGet");
        DeviceGetName = (delegate* unmanaged<byte*, int, CUdevice, CUresult>)read.Required("cuDeviceGetName");
        DeviceGetAttribute =
            (delegate* unmanaged<int*, CUdeviceAttribute, CUdevice, CUresult>)read.Required("cuDeviceGetAttribute");
        DeviceGetUuid = (delegate* unmanaged<CUuuid*, CUdevice, CUresult>)read.Required("cuDeviceGetUuid");
        DeviceTotalMem = (delegate* unmanaged<nuint*, CUdevice, CUresult>)read.Required("cuDeviceTotalMem_v2");

        DevicePrimaryCtxRetain = (delegate* unmanaged<CUcontext*, CUdevice, CUresult>)read.Required("cuDevicePrimaryCtxRetain");
        DevicePrimaryCtxRelease = (delegate* unmanaged<CUdevice, CUresult>)read.Required("cuDevicePrimaryCtxRelease_v2");
        CtxCreate = (delegate* unmanaged<CUcontext*, uint, CUdevice, CUresult>)read.Required("cuCtxCreate_v2");
        CtxDestroy = (delegate* unmanaged<CUcontext, CUresult>)read.Required("cuCtxDestroy_v2");
        CtxSetCurrent = (delegate* unmanaged<CUcontext, CUresult>)read.Required("cuCtxSetCurrent");
        CtxGetCurrent = (delegate* unmanaged<CUcontext*, CUresult>)read.Required("cuCtxGetCurrent");
        CtxGetDevice = (delegate* unmanaged<CUdevice*, CUresult>)read.Required("cuCtxGetDevice");
        CtxPushCurrent = (delegate* unmanaged<CUcontext, CUresult>)read.Required("cuCtxPushCurrent_v2");
        CtxPopCurrent = (delegate* unmanaged<CUcontext*, CUresult>)read.Required("cuCtxPopCurrent_v2");
        CtxSynchronize = (delegate* unmanaged<CUresult>)read.Required("cuCtxSynchronize");
        CtxGetStreamPriorityRange = (delegate* unmanaged<int*, int*, CUresult>)read.Required("cuCtxGetStreamPriorityRange");

        MemGetInfo = (delegate* unmanaged<nuint*, nuint*, CUresult>)read.Required("cuMemGetInfo_v2");
        MemAlloc = (delegate* unmanaged<CUdeviceptr*, nuint, CUresult>)read.Required("cuMemAlloc_v2");
        MemFree = (delegate* unmanaged<CUdeviceptr, CUresult>)read.Required("cuMemFree_v2");
        MemHostAlloc = (delegate* unmanaged<void**, nuint, CUmemHostAllocFlags, CUresult>)read.Required("cuMemHostAlloc");
        MemFreeHost = (delegate* unmanaged<void*, CUresult>)read.Required("cuMemFreeHost");
        MemcpyHtoD = (delegate* unmanaged<CUdeviceptr, void*, nuint, CUresult>)read.Required("cuMemcpyHtoD_v2");
        MemcpyDtoH = (delegate* unmanaged<void*, CUdeviceptr, nuint, CUresult>)read.Required("cuMemcpyDtoH_v2");
        MemcpyDtoD = (delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUresult>)read.Required("cuMemcpyDtoD_v2");
        MemcpyHtoDAsync = (delegate* unmanaged<CUdeviceptr, void*, nuint, CUstream, CUresult>)read.Required("cuMemcpyHtoDAsync_v2");
        MemcpyDtoHAsync = (delegate* unmanaged<void*, CUdeviceptr, nuint, CUstream, CUresult>)read.Required("cuMemcpyDtoHAsync_v2");
        MemcpyDtoDAsync =
            (delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, CUstream, CUresult>)read.Required("cuMemcpyDtoDAsync_v2");
        MemsetD8Async = (delegate* unmanaged<CUdeviceptr, byte, nuint, CUstream, CUresult>)read.Required("cuMemsetD8Async");
        MemsetD32Async = (delegate* unmanaged<CUdeviceptr, uint, nuint, CUstream, CUresult>)read.Required("cuMemsetD32Async");

        StreamCreate = (delegate* unmanaged<CUstream*, CUstreamFlags, CUresult>)read.Required("cuStreamCreate");
        StreamCreateWithPriority =
            (delegate* unmanaged<CUstream*, CUstreamFlags, int, CUresult>)read.Required("cuStreamCreateWithPriority");
        StreamDestroy = (delegate* unmanaged<CUstream, CUresult>)read.Required("cuStreamDestroy_v2");
        StreamSynchronize = (delegate* unmanaged<CUstream, CUresult>)read.Required("cuStreamSynchronize");
        StreamQuery = (delegate* unmanaged<CUstream, CUresult>)read.Required("cuStreamQuery");
        StreamWaitEvent = (delegate* unmanaged<CUstream, CUevent, uint, CUresult>)read.Required("cuStreamWaitEvent");
        StreamBeginCapture = (delegate* unmanaged<CUstream, CUstreamCaptureMode, CUresult>)read.Required("cuStreamBeginCapture_v2");
        StreamEndCapture = (delegate* unmanaged<CUstream, CUgraph*, CUresult>)read.Required("cuStreamEndCapture");

        EventCreate = (delegate* unmanaged<CUevent*, CUeventFlags, CUresult>)read.Required("cuEventCreate");
        EventRecord = (delegate* unmanaged<CUevent, CUstream, CUresult>)read.Required("cuEventRecord");
        EventQuery = (delegate* unmanaged<CUevent, CUresult>)read.Required("cuEventQuery");
        EventSynchronize = (delegate* unmanaged<CUevent, CUresult>)read.Required("cuEventSynchronize");
        EventElapsedTime = (delegate* unmanaged<float*, CUevent, CUevent, CUresult>)read.Required("cuEventElapsedTime");
        EventDestroy = (delegate* unmanaged<CUevent, CUresult>)read.Required("cuEventDestroy_v2");

        ModuleLoadDataEx =
            (delegate* unmanaged<CUmodule*, void*, uint, CUjitOption*, void**, CUresult>)read.Required("cuModuleLoadDataEx");
        ModuleUnload = (delegate* unmanaged<CUmodule, CUresult>)read.Required("cuModuleUnload");
        ModuleGetFunction = (delegate* unmanaged<CUfunction*, CUmodule, byte*, CUresult>)read.Required("cuModuleGetFunction");
        ModuleGetGlobal = (delegate* unmanaged<CUdeviceptr*, nuint*, CUmodule, byte*, CUresult>)read.Required("cuModuleGetGlobal_v2");
        FuncGetAttribute = (delegate* unmanaged<int*, CUfunctionAttribute, CUfunction, CUresult>)read.Required("cuFuncGetAttribute");
        FuncSetAttribute = (delegate* unmanaged<CUfunction, CUfunctionAttribute, int, CUresult>)read.Required("cuFuncSetAttribute");
        LaunchKernel =
            (delegate* unmanaged<CUfunction, uint, uint, uint, uint, uint, uint, uint, CUstream, void**, void**, CUresult>)
            read.Required("cuLaunchKernel");
        OccupancyMaxActiveBlocksPerMultiprocessor =
            (delegate* unmanaged<int*, CUfunction, int, nuint, CUresult>)read.Required("cuOccupancyMaxActiveBlocksPerMultiprocessor");

        GraphInstantiateWithFlags =
            (delegate* unmanaged<CUgraphExec*, CUgraph, ulong, CUresult>)read.Required("cuGraphInstantiateWithFlags");
        GraphLaunch = (delegate* unmanaged<CUgraphExec, CUstream, CUresult>)read.Required("cuGraphLaunch");
        GraphExecUpdate =
            (delegate* unmanaged<CUgraphExec, CUgraph, CUgraphNode*, CUgraphExecUpdateResult*, CUresult>)
            read.Required("cuGraphExecUpdate");
        GraphGetNodes = (delegate* unmanaged<CUgraph, CUgraphNode*, nuint*, CUresult>)read.Required("cuGraphGetNodes");
        GraphExecDestroy = (delegate* unmanaged<CUgraphExec, CUresult>)read.Required("cuGraphExecDestroy");
        GraphDestroy = (delegate* unmanaged<CUgraph, CUresult>)read.Required("cuGraphDestroy");

        MemAllocAsync = (delegate* unmanaged<CUdeviceptr*, nuint, CUstream, CUresult>)read.Optional("cuMemAllocAsync");
        MemFreeAsync = (delegate* unmanaged<CUdeviceptr, CUstream, CUresult>)read.Optional("cuMemFreeAsync");
        DeviceGetDefaultMemPool =
            (delegate* unmanaged<CUmemoryPool*, CUdevice, CUresult>)read.Optional("cuDeviceGetDefaultMemPool");
        MemPoolSetAttribute =
            (delegate* unmanaged<CUmemoryPool, CUmemPoolAttribute, void*, CUresult>)read.Optional("cuMemPoolSetAttribute");
        MemPoolTrimTo = (delegate* unmanaged<CUmemoryPool, nuint, CUresult>)read.Optional("cuMemPoolTrimTo");
    }

    /// <summary>The library that the functions come from.</summary>
    internal string Name { get; }

    /// <summary>Whether the driver has memory pools; whether a device has them is one of its attributes.</summary>
    internal bool HasMemoryPools =>
        MemAllocAsync != null && MemFreeAsync != null && DeviceGetDefaultMemPool != null && MemPoolSetAttribute != null
        && MemPoolTrimTo != null;
}
