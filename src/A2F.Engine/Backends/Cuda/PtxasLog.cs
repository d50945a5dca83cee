using System.Globalization;
using System.Text.RegularExpressions;

namespace A2F.Engine.Backends.Cuda;

/// <summary>What the assembler of NVRTC reports on a kernel under -v.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="FrameBytes">Local memory of a thread.</param>
/// <param name="SpillStoreBytes">Bytes stored because registers ran out, each instruction counted once, called functions included.</param>
/// <param name="SpillLoadBytes">Bytes that it loads again.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
/// <param name="ConstantBytes">Constants of all banks; 0 from sm_90 on, where it does not tell.</param>
internal sealed partial record PtxasLog(
    int Registers, int FrameBytes, int SpillStoreBytes, int SpillLoadBytes, int SharedBytes, int ConstantBytes)
{
    /// <summary>Reads a log, whatever else it holds: kernels by name.</summary>
    internal static Dictionary<string, PtxasLog> Parse(string log)
    {
        Dictionary<string, PtxasLog> kernels = [];
        string kernel = "", function = "";
        foreach (string line in log.Split('\n'))
        {
            if (Entry().Match(line) is { Success: true } entry) kernels[kernel = entry.Groups[1].Value] = new PtxasLog(0, 0, 0, 0, 0, 0);
            else if (Properties().Match(line) is { Success: true } properties) function = properties.Groups[1].Value;
            else if (!kernels.TryGetValue(kernel, out PtxasLog? found)) continue;
            else if (Frame().Match(line) is { Success: true } frame)
            {
                // Functions that were not inlined follow their kernel; what they spill, it spills.
                kernels[kernel] = found with
                {
                    FrameBytes = function == kernel ? Number(frame, 1) : found.FrameBytes,
                    SpillStoreBytes = found.SpillStoreBytes + Number(frame, 2),
                    SpillLoadBytes = found.SpillLoadBytes + Number(frame, 3),
                };
            }
            else if (Used().Match(line) is { Success: true } used)
            {
                kernels[kernel] = found with
                {
                    Registers = Number(used, 1),
                    SharedBytes = Shared().Match(line) is { Success: true } shared ? Number(shared, 1) : 0,
                    ConstantBytes = Constants().Matches(line).Sum(bank => Number(bank, 1)),
                };
            }
        }
        return kernels;
    }

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Compiling entry function '([^']+)'")]
    private static partial Regex Entry();

    [GeneratedRegex(@"Function properties for (\S+)")]
    private static partial Regex Properties();

    [GeneratedRegex(@"(\d{1,9}) bytes stack frame, (\d{1,9}) bytes spill stores, (\d{1,9}) bytes spill loads")]
    private static partial Regex Frame();

    [GeneratedRegex(@"Used (\d{1,9}) registers")]
    private static partial Regex Used();

    [GeneratedRegex(@"(\d{1,9}) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d{1,9}) bytes cmem\[\d\]")]
    private static partial Regex Constants();
}
