using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>A CUDA C++ text compiled by the real NVRTC and loaded on an emulated device of that architecture, alone on it.</summary>
internal sealed class CudaProgram : IDisposable
{
    private static readonly ConcurrentDictionary<(string Source, int Architecture), string> Compiled = [];

    public CudaProgram(string source, int architecture, int threads = 2)
    {
        Device = new EmulatedDevice($"sm_{architecture}", threads);
        Module = PtxModule.Load(Device, Ptx(source, architecture));
    }

    public EmulatedDevice Device { get; }

    public PtxModule Module { get; }

    /// <summary>The PTX of a text, compiled once a process.</summary>
    public static string Ptx(string source, int architecture) => Compiled.GetOrAdd((source, architecture), static key =>
        Encoding.ASCII.GetString(RealCuda.Compiler("default").CompileToPtx("test.cu", key.Source, key.Architecture, "--std=c++17").Image)
            .TrimEnd('\0'));

    /// <summary>Device memory that holds <paramref name="values"/> and ends with them.</summary>
    public ulong Upload<T>(params T[] values) where T : unmanaged
    {
        ulong address = Reserve<T>(values.Length);
        Device.Write(address, MemoryMarshal.AsBytes(values.AsSpan()));
        return address;
    }

    /// <summary>Device memory that nobody wrote.</summary>
    public ulong Reserve<T>(int count) where T : unmanaged =>
        Device.Allocate((long)count * Marshal.SizeOf<T>(), $"{typeof(T).Name}[{count}]");

    public T[] Download<T>(ulong address, int count) where T : unmanaged
    {
        T[] values = new T[count];
        Device.Read(address, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Launches with arguments whose sizes must be those of the kernel's parameters.</summary>
    public LaunchCounters Launch(string kernel, Dim3 grid, Dim3 block, int shared, params object[] arguments)
    {
        PtxKernel k = Module.Kernel(kernel);
        Assert.Equal(k.Parameters.Count, arguments.Length);
        byte[] parameters = new byte[k.ParameterBytes];
        for (int i = 0; i < arguments.Length; i++)
        {
            byte[] bytes = Bytes(arguments[i]);
            Assert.Equal(k.Parameters[i].Bytes, bytes.Length);
            bytes.CopyTo(parameters, k.Parameters[i].Offset);
        }
        return Device.Launch(k, grid, block, shared, parameters);
    }

    public void Dispose() => Device.Dispose();

    private static byte[] Bytes(object argument) => argument switch
    {
        int v => BitConverter.GetBytes(v),
        uint v => BitConverter.GetBytes(v),
        float v => BitConverter.GetBytes(v),
        long v => BitConverter.GetBytes(v),
        ulong v => BitConverter.GetBytes(v),
        double v => BitConverter.GetBytes(v),
        byte[] v => v,
        _ => throw new ArgumentException($"no argument of type {argument.GetType()}"),
    };
}
