using System.Text.RegularExpressions;
using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>
/// Small random changes of kernels that are right, the same ones in every run: a check stops each, or its output differs. What survives
/// both is listed with the reason why it is the same program.
/// </summary>
public sealed partial class SeededMutationTests(ITestOutputHelper output)
{
    private const int Seed = 20_240_607, PerKernel = 16;

    private sealed record Mutant(string Line, string Source);

    /// <summary>What to look for in a line of code, and what to put there.</summary>
    private static readonly (Regex Find, MatchEvaluator Put)[] Operators =
    [
        (Barrier(), _ => ""),
        (Number(), m => $"{int.Parse(m.Value, System.Globalization.CultureInfo.InvariantCulture) + 1}"),
        (Index(), m => $"[{m.Groups[1].Value} + 1]"),
        (Operator(), m => m.Value switch
        {
            " < " => " <= ",
            " <= " => " < ",
            " + " => " - ",
            " - " => " + ",
            " * " => " + ",
            " / " => " * ",
            " % " => " / ",
            " == " => " != ",
            " && " => " || ",
            " += " => " = ",
            _ => " >= ",
        }),
    ];

    [GeneratedRegex(@"__syncthreads\(\);")]
    private static partial Regex Barrier();

    [GeneratedRegex(@"(?<![\w.])\d+(?![\w.])")]
    private static partial Regex Number();

    [GeneratedRegex(@"\[([^\[\]]+)\]")]
    private static partial Regex Index();

    [GeneratedRegex(@" (?:<|<=|\+|-|\*|/|%|==|&&|\+=|>) ")]
    private static partial Regex Operator();

    /// <summary>Mutants that do what the original does, by the line that they change.</summary>
    private static readonly Dictionary<string, string> Equivalent = new(StringComparer.Ordinal)
    {
        ["gemm: if (step <= steps)"] = "one more step is fetched, all zeros, into a stage that nobody reads again",
        ["gemm: for (int j = 0; j < 3; j++)"] = Undefined,
        ["gemm: for (int j = 0; j <= 2; j++)"] = Undefined,
        ["gemm: for (int i = 0; i < 3; i++)"] = Undefined,
        ["tree: if (t != 0) out[blockIdx.x] = part[0];"] = "255 threads store what one did, the same value to the same place",
        ["tree: if (t == 1) out[blockIdx.x] = part[0];"] = "another thread stores the same value",
        ["sort: for (int i = 0; i < 9; i++) y[8 * t + i] = at[i];"] = Undefined,
        ["sort: for (int i = 0; i <= 8; i++) y[8 * t + i] = at[i];"] = Undefined,
    };

    private const string Undefined = "a step outside an array that lives in registers is undefined, and NVRTC leaves it out: its PTX is " +
        "the original's";

    /// <summary>Lines that stay: declarations, directives and assembly, which hardly compile otherwise.</summary>
    [GeneratedRegex("__shared__|asm|\"|extern|#|\\] = \\{\\}|unsigned f|void|int at\\[8\\]")]
    private static partial Regex Fixed();

    private static List<Mutant> Mutants(string source)
    {
        List<Mutant> all = [];
        string[] lines = source.Split('\n');
        for (int n = 0; n < lines.Length; n++)
        {
            if (Fixed().IsMatch(lines[n])) continue;
            foreach ((Regex find, MatchEvaluator put) in Operators)
                foreach (Match m in find.Matches(lines[n]))
                {
                    string changed = lines[n][..m.Index] + put(m) + lines[n][(m.Index + m.Length)..];
                    all.Add(new Mutant(changed.Trim(), string.Join('\n', [.. lines[..n], changed, .. lines[(n + 1)..]])));
                }
        }
        Mutant[] shuffled = [.. all];
        new Random(Seed).Shuffle(shuffled);
        return [.. shuffled.Take(PerKernel)];
    }

    [NvrtcTheory]
    [InlineData("tree")]
    [InlineData("reverse")]
    [InlineData("sort")]
    [InlineData("stages")]
    [InlineData("gemm")]
    public void A_changed_kernel_is_caught_or_gives_something_else(string kernel)
    {
        string source = MutationTests.Source(kernel);
        uint[] right = MutationTests.Run(kernel, source);
        int caught = 0, different = 0, known = 0;
        List<string> survivors = [];
        foreach (Mutant mutant in Mutants(source))
        {
            try
            {
                if (!MutationTests.Run(kernel, mutant.Source).AsSpan().SequenceEqual(right)) different++;
                else if (Equivalent.ContainsKey($"{kernel}: {mutant.Line}")) known++;
                else survivors.Add($"{kernel}: {mutant.Line}");
            }
            catch (EmulatorException e)
            {
                // What the host reads and nobody wrote is reported without a kernel.
                Assert.True(e.Kernel == kernel || e.Message.StartsWith("read:", StringComparison.Ordinal), e.Message);
                caught++;
            }
            catch (A2FException)
            {
                // The compiler refuses it.
            }
        }
        output.WriteLine($"{kernel}: {caught} caught, {different} different, {known} equivalent");
        Assert.True(survivors.Count == 0, string.Join("\n", survivors));
        Assert.True(caught + different >= PerKernel / 2, "the operators find too little to change");
    }
}
