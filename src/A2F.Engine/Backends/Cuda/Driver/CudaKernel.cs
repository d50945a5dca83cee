namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>Extent of a grid in blocks, or of a block in threads.</summary>
internal readonly record struct Dim3(uint X, uint Y = 1, uint Z = 1)
{
    public override string ToString() => $"{X} x {Y} x {Z}";
}

/// <summary>A kernel of a module; usable while its module is loaded.</summary>
internal sealed unsafe class CudaKernel(CudaDriver driver, string name, CUfunction handle)
{
    internal string Name { get; } = name;

    internal CUfunction Handle { get; } = handle;

    /// <summary>One of the driver's attributes: registers, spilled (local) bytes, shared bytes.</summary>
    internal int Attribute(CUfunctionAttribute attribute)
    {
        int value;
        driver.Check(driver.Table.FuncGetAttribute(&value, attribute, Handle), "cuFuncGetAttribute");
        return value;
    }

    /// <summary>Allows launches with this much dynamic shared memory; needed above 48 KiB.</summary>
    internal void AllowDynamicShared(int bytes)
    {
        CUresult result = driver.Table.FuncSetAttribute(Handle, CUfunctionAttribute.MaxDynamicSharedSizeBytes, bytes);
        if (result != CUresult.Success)
            throw driver.Failure(result, "cuFuncSetAttribute", $"{bytes} bytes of dynamic shared memory for kernel {Name}");
    }

    /// <summary>Blocks of this shape that a multiprocessor holds at once.</summary>
    internal int ActiveBlocks(int threads, int dynamicSharedBytes)
    {
        int blocks;
        driver.Check(driver.Table.OccupancyMaxActiveBlocksPerMultiprocessor(&blocks, Handle, threads, (nuint)dynamicSharedBytes),
            "cuOccupancyMaxActiveBlocksPerMultiprocessor");
        return blocks;
    }

    /// <summary>Queues a launch. <paramref name="arguments"/> holds one pointer per parameter; the call copies the values.</summary>
    internal void Launch(Dim3 grid, Dim3 block, int dynamicSharedBytes, CudaStream stream, void** arguments)
    {
        CUresult result = driver.Table.LaunchKernel(Handle, grid.X, grid.Y, grid.Z, block.X, block.Y, block.Z, (uint)dynamicSharedBytes,
            stream.Handle, arguments, null);
        if (result != CUresult.Success)
            throw driver.Failure(result, "cuLaunchKernel",
                $"kernel {Name}, grid {grid}, block {block}, {dynamicSharedBytes} bytes of dynamic shared memory");
    }
}
