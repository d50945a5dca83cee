using System.Text;
using A2F.CudaEmulator;

namespace A2F.Engine.Tests.Emulator;

/// <summary>Builds and runs small kernels: each lane loads its inputs, executes a body, and stores one result.</summary>
internal static class PtxHarness
{
    public const string Header = ".version 7.8\n.target sm_86\n.address_size 64\n";

    /// <summary>For the architecture that has every instruction the emulator knows.</summary>
    public const string NewestHeader = ".version 7.8\n.target sm_90\n.address_size 64\n";

    /// <summary>
    /// Runs <paramref name="body"/> in one warp. Inputs are %a, %b, %c (8-byte slots of raw bits), the result is %d; %p, %q are
    /// predicates, %t0..%t7 32-bit and %w0..%w7 64-bit scratch registers, %lane the lane.
    /// </summary>
    public static ulong[] Run(string body, string resultType, params (string Type, ulong[] Values)[] inputs)
    {
        StringBuilder s = new(NewestHeader);
        s.Append(".visible .entry k(.param .u64 po");
        for (int i = 0; i < inputs.Length; i++) s.Append($", .param .u64 p{i}");
        s.Append(")\n{\n.reg .pred %p, %q;\n.reg .b32 %lane, %t<8>;\n.reg .b64 %addr, %off, %w<8>;\n");
        s.Append($".reg .b{Bits(resultType)} %d;\n");
        for (int i = 0; i < inputs.Length; i++) s.Append($".reg .b{Bits(inputs[i].Type)} %{(char)('a' + i)};\n");
        s.Append("mov.u32 %lane, %tid.x;\nmul.wide.u32 %off, %lane, 8;\n");
        for (int i = 0; i < inputs.Length; i++)
            s.Append($"ld.param.u64 %addr, [p{i}];\nadd.s64 %addr, %addr, %off;\nld.global.b{Bits(inputs[i].Type)} %{(char)('a' + i)}, [%addr];\n");
        s.Append(body).Append('\n');
        s.Append($"ld.param.u64 %addr, [po];\nadd.s64 %addr, %addr, %off;\nst.global.b{Bits(resultType)} [%addr], %d;\nret;\n}}\n");

        using EmulatedDevice device = new("sm_90", 1);
        PtxKernel kernel = PtxModule.Load(device, s.ToString()).Kernel("k");
        ulong[] result = new ulong[32];
        List<ulong> parameters = [Upload(device, result)];
        foreach ((_, ulong[] values) in inputs) parameters.Add(Upload(device, values));
        device.Launch(kernel, new Dim3(1), new Dim3(32), 0, Bytes(parameters.ToArray()));
        device.Read(parameters[0], System.Runtime.InteropServices.MemoryMarshal.AsBytes(result.AsSpan()));
        return result;
    }

    /// <summary>Runs kernel k of a whole PTX text (without header) and returns the output buffer, which begins as zeros.</summary>
    public static uint[] RunText(string text, int outputWords, Dim3 grid, Dim3 block, uint[]? input = null, int shared = 0)
    {
        using EmulatedDevice device = new("sm_86", 2);
        PtxKernel kernel = PtxModule.Load(device, Header + text).Kernel("k");
        uint[] output = new uint[outputWords];
        List<ulong> parameters = [Upload(device, output)];
        if (input is not null) parameters.Add(Upload(device, input));
        device.Launch(kernel, grid, block, shared, Bytes(parameters.ToArray()));
        device.Read(parameters[0], System.Runtime.InteropServices.MemoryMarshal.AsBytes(output.AsSpan()));
        return output;
    }

    public static ulong Upload<T>(EmulatedDevice device, T[] values) where T : unmanaged
    {
        byte[] bytes = Bytes(values);
        ulong address = device.Allocate(bytes.Length, "buffer");
        device.Write(address, bytes);
        return address;
    }

    public static byte[] Bytes<T>(T[] values) where T : unmanaged =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    public static int Bits(string type) => type switch
    {
        "f16x2" or "bf16x2" => 32,
        "sh" => 32,
        _ when type.EndsWith("64", StringComparison.Ordinal) => 64,
        _ when type.EndsWith("16", StringComparison.Ordinal) => 16,
        _ when type.EndsWith('8') => 8,
        _ => 32,
    };
}
