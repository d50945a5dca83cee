using System.Text;

namespace A2F.CudaEmulator.Driver;

public static unsafe partial class EmulatedDriver
{
    private const int ErrorLogBuffer = 5, ErrorLogBufferSize = 6;

    private static void AddModules()
    {
        Exports["cuModuleLoadDataEx"] = (nint)(delegate* unmanaged<nint*, byte*, uint, int*, void**, int>)&ModuleLoadDataEx;
        Exports["cuModuleUnload"] = (nint)(delegate* unmanaged<nint, int>)&ModuleUnload;
        Exports["cuModuleGetFunction"] = (nint)(delegate* unmanaged<nint*, nint, byte*, int>)&ModuleGetFunction;
        Exports["cuModuleGetGlobal_v2"] = (nint)(delegate* unmanaged<ulong*, nuint*, nint, byte*, int>)&ModuleGetGlobal;
        Exports["cuFuncGetAttribute"] = (nint)(delegate* unmanaged<int*, int, nint, int>)&FuncGetAttribute;
        Exports["cuFuncSetAttribute"] = (nint)(delegate* unmanaged<nint, int, int, int>)&FuncSetAttribute;
        Exports["cuLaunchKernel"] =
            (nint)(delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)&LaunchKernel;
        Exports["cuOccupancyMaxActiveBlocksPerMultiprocessor"] = (nint)(delegate* unmanaged<int*, nint, int, nuint, int>)&Occupancy;
    }

    [UnmanagedCallersOnly]
    private static int ModuleLoadDataEx(nint* module, byte* image, uint optionCount, int* options, void** values)
    {
        int result = Machine.Call("cuModuleLoadDataEx", CallKind.InContext, () =>
        {
            Capture.Forbid("loading a module");
            string ptx = Marshal.PtrToStringUTF8((nint)image)!;
            if (!ptx.Contains(".version", StringComparison.Ordinal)) throw new DriverError(218, "the emulator loads PTX only");
            *module = Machine.Add(new Module(Machine.Current, PtxModule.Load(Machine.CurrentDevice, ptx))).Handle;
        });
        if (result != 0) WriteLog(Machine.LastFault ?? "", optionCount, options, values);
        return result;
    }

    private static void WriteLog(string text, uint optionCount, int* options, void** values)
    {
        byte* buffer = null;
        int size = 0;
        for (uint i = 0; i < optionCount; i++)
        {
            if (options[i] == ErrorLogBuffer) buffer = (byte*)values[i];
            else if (options[i] == ErrorLogBufferSize) size = (int)(nint)values[i];
        }
        if (buffer == null || size < 1) return;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int length = Math.Min(bytes.Length, size - 1);
        bytes.AsSpan(0, length).CopyTo(new Span<byte>(buffer, length));
        buffer[length] = 0;
    }

    [UnmanagedCallersOnly]
    private static int ModuleUnload(nint module) =>
        Machine.Call("cuModuleUnload", CallKind.Release, () => Machine.Get<Module>(module).Release());

    [UnmanagedCallersOnly]
    private static int ModuleGetFunction(nint* function, nint module, byte* name) =>
        Machine.Call("cuModuleGetFunction", CallKind.InContext, () =>
            *function = Machine.Get<Module>(module).Kernel(Marshal.PtrToStringUTF8((nint)name)!).Handle);

    [UnmanagedCallersOnly]
    private static int ModuleGetGlobal(ulong* address, nuint* bytes, nint module, byte* name) =>
        Machine.Call("cuModuleGetGlobal", CallKind.InContext, () =>
        {
            (ulong found, long size) = Machine.Get<Module>(module).Loaded.Global(Marshal.PtrToStringUTF8((nint)name)!);
            (*address, *bytes) = (found, (nuint)size);
        });

    [UnmanagedCallersOnly]
    private static int FuncGetAttribute(int* value, int attribute, nint function) =>
        Machine.Call("cuFuncGetAttribute", CallKind.InContext, () =>
        {
            Kernel kernel = Machine.Get<Kernel>(function);
            *value = attribute switch
            {
                0 => 1024,
                1 => kernel.Loaded.StaticSharedBytes,
                2 => 0,
                3 => kernel.Loaded.LocalBytes,
                8 => kernel.MostDynamicShared,
                _ => throw new DriverError(1, $"function attribute {attribute} is not emulated"),
            };
        });

    [UnmanagedCallersOnly]
    private static int FuncSetAttribute(nint function, int attribute, int value) =>
        Machine.Call("cuFuncSetAttribute", CallKind.InContext, () =>
        {
            Kernel kernel = Machine.Get<Kernel>(function);
            int most = Machine.CurrentDevice.MaxSharedBytesPerBlockOptIn - kernel.Loaded.StaticSharedBytes;
            if (attribute != 8 || value < 0 || value > most)
                throw new DriverError(1, $"function attribute {attribute} of {value}; at most {most}");
            kernel.MostDynamicShared = value;
        });

    [UnmanagedCallersOnly]
    private static int LaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream,
        void** arguments, void** extra) => Machine.Call("cuLaunchKernel", CallKind.InContext, () =>
    {
        Kernel kernel = Machine.Get<Kernel>(function);
        byte[] parameters = new byte[kernel.Loaded.ParameterBytes];
        for (int i = 0; i < kernel.Offsets.Length; i++)
            new ReadOnlySpan<byte>(arguments[i], kernel.Sizes[i]).CopyTo(parameters.AsSpan(kernel.Offsets[i]));
        Dim3 grid = new((int)gridX, (int)gridY, (int)gridZ), block = new((int)blockX, (int)blockY, (int)blockZ);
        Stream.Of(stream).Submit(new KernelLaunch(kernel, grid, block, (int)sharedBytes, parameters));
    });

    [UnmanagedCallersOnly]
    private static int Occupancy(int* blocks, nint function, int threads, nuint sharedBytes) =>
        Machine.Call("cuOccupancyMaxActiveBlocksPerMultiprocessor", CallKind.InContext, () =>
        {
            Kernel kernel = Machine.Get<Kernel>(function);
            EmulatedDevice device = Machine.CurrentDevice;
            int byWarps = device.MaxWarpsPerMultiprocessor / Math.Max(1, (threads + 31) / 32);
            long shared = kernel.Loaded.StaticSharedBytes + (long)sharedBytes;
            *blocks = (int)Math.Min(byWarps, shared == 0 ? byWarps : device.SharedBytesPerMultiprocessor / shared);
        });
}
