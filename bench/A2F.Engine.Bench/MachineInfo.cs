using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace A2F.Engine.Bench;

/// <summary>What a figure needs beside it to mean something: processor, instruction sets, runtime, build.</summary>
internal sealed record MachineInfo(string Processor, int Cores, string InstructionSets, string Runtime, string System, string Build)
{
    public static MachineInfo Current => new(
        ProcessorName(),
        Environment.ProcessorCount,
        Sets(),
        RuntimeInformation.FrameworkDescription,
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}",
        BuildName);

#if DEBUG
    private const string BuildName = "Debug (figures of a debug build mean nothing)";
#else
    private const string BuildName = "Release";
#endif

    private static string ProcessorName()
    {
        const string CpuInfo = "/proc/cpuinfo";
        string? line = File.Exists(CpuInfo)
            ? File.ReadLines(CpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':') + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? "unknown";
    }

    private static string Sets()
    {
        (string Name, bool Has)[] sets =
        [
            ("AVX-512", Avx512F.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported), ("NEON", AdvSimd.IsSupported),
        ];
        int width = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;
        return FormattableString.Invariant($"{string.Join(' ', sets.Where(s => s.Has).Select(s => s.Name))} (vectors of {width} bits)");
    }
}
