using System.Runtime.InteropServices;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The engine's cuBLAS wrapper on the emulated cuBLAS, against the definition of the product in double arithmetic.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed unsafe class CudaBlasTests
{
    private sealed class Symbols : ISymbolSource
    {
        public string Name => "the emulated cuBLAS";

        public nint Find(string symbol) => EmulatedCublas.Find(symbol);
    }

    private static readonly CublasTable Table = new(new Symbols());

    /// <summary>A product whose matrices have gaps between columns; the gaps hold values that would show in any sum.</summary>
    private sealed record Product(CublasOperation OpA, CublasOperation OpB, int M, int N, int K, int Gap, int Count = 1)
    {
        private const float Poison = 1e30f;

        public int Lda => (OpA == CublasOperation.None ? M : K) + Gap;

        public int Ldb => (OpB == CublasOperation.None ? K : N) + 2 * Gap;

        public int Ldc => M + 3 * Gap;

        public int StrideA => Lda * (OpA == CublasOperation.None ? K : M) + Gap;

        public int StrideB => Ldb * (OpB == CublasOperation.None ? N : K);

        public int StrideC => Ldc * N + 5 * Gap;

        public double A(float[] a, int i, int row, int k) => a[i * StrideA + (OpA == CublasOperation.None ? k * Lda + row : row * Lda + k)];

        public double B(float[] b, int i, int k, int column) =>
            b[i * StrideB + (OpB == CublasOperation.None ? column * Ldb + k : k * Ldb + column)];

        public float[] Values(char which, int seed)
        {
            (int stride, int leading, int rows) = which switch
            {
                'a' => (StrideA, Lda, Lda - Gap),
                'b' => (StrideB, Ldb, Ldb - 2 * Gap),
                _ => (StrideC, Ldc, M),
            };
            Random random = new(seed);
            float[] values = new float[Math.Max(1, stride * Count)];
            for (int i = 0; i < values.Length; i++)
                values[i] = i % stride % leading < rows && i % stride / leading * leading + rows <= stride
                    ? (float)(Half)(random.NextSingle() - 0.5f) : Poison;
            return values;
        }

        public double Expected(float[] a, float[] b, float[] c, int i, int row, int column, float alpha, float beta)
        {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += A(a, i, row, k) * B(b, i, k, column);
            return alpha * sum + (beta == 0 ? 0 : beta * (double)c[i * StrideC + column * Ldc + row]);
        }
    }

    public static TheoryData<int, int, int, int, int, int> Shapes
    {
        get
        {
            TheoryData<int, int, int, int, int, int> all = [];
            foreach (int opA in (int[])[0, 1])
                foreach (int opB in (int[])[0, 1])
                    foreach ((int m, int n, int k, int gap) in ((int, int, int, int)[])[(1, 1, 1, 0), (33, 17, 29, 0), (19, 40, 7, 3),
                        (5, 1, 64, 2)])
                        all.Add(opA, opB, m, n, k, gap);
            return all;
        }
    }

    /// <summary>A context of its own, on a device that no test keeps one on: a fault ends it.</summary>
    private static void InContext(Action<CudaContext, CudaStream, CudaBlas> body)
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_89"));
        using CudaStream stream = new(context);
        using CudaBlas blas = new(Table, context);
        using CudaContext.Scope scope = context.Enter();
        blas.SetStream(stream);
        body(context, stream, blas);
    }

    private static void Check(Product p, float[] a, float[] b, float[] c, float[] got, float alpha, float beta, double unit)
    {
        for (int at = 0; at < got.Length; at++)
        {
            int i = at / p.StrideC, column = at % p.StrideC / p.Ldc, row = at % p.StrideC % p.Ldc;
            if (row >= p.M || column >= p.N)
            {
                Assert.True(got[at] == c[at], $"the gap at {at} was written");
                continue;
            }
            double expected = p.Expected(a, b, c, i, row, column, alpha, beta);
            Assert.True(Math.Abs(got[at] - expected) <= unit * (p.K + 2),
                $"{p}: [{i}; {row}, {column}]: {got[at]:R}, expected {expected:R}");
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_product_in_fp32_is_the_definition(int opA, int opB, int m, int n, int k, int gap) => InContext((context, stream, blas) =>
    {
        Product p = new((CublasOperation)opA, (CublasOperation)opB, m, n, k, gap);
        float[] a = p.Values('a', 1), b = p.Values('b', 2), c = p.Values('c', 3);
        foreach ((float alpha, float beta) in ((float, float)[])[(1, 0), (-0.5f, 2), (0, 1), (1.25f, 1)])
        {
            using CudaDeviceVariable<float> da = Copy(context, a), db = Copy(context, b), dc = Copy(context, c);
            blas.Sgemm(p.OpA, p.OpB, m, n, k, alpha, da.Pointer, p.Lda, db.Pointer, p.Ldb, beta, dc.Pointer, p.Ldc);
            stream.Synchronize();
            Check(p, a, b, c, Back(dc, c.Length), alpha, beta, 2e-7);
        }
    });

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Batches_in_fp16_accumulate_in_fp32_and_round_once(int opA, int opB, int m, int n, int k, int gap) =>
        InContext((context, stream, blas) =>
    {
        Product p = new((CublasOperation)opA, (CublasOperation)opB, m, n, k, gap, 3);
        float[] a = p.Values('a', 4), b = p.Values('b', 5), c = p.Values('c', 6);
        for (int i = 0; i < c.Length; i++) c[i] = Math.Min(c[i], 60000);
        using CudaDeviceVariable<Half> da = Copy(context, Halves(a)), db = Copy(context, Halves(b)), dc = Copy(context, Halves(c));
        blas.GemmStridedBatchedEx(p.OpA, p.OpB, m, n, k, 1, da.Pointer, p.Lda, p.StrideA, db.Pointer, p.Ldb, p.StrideB, 0.5f, dc.Pointer,
            p.Ldc,
            p.StrideC, 3, CudaDataType.R16F);
        stream.Synchronize();
        float[] got = [.. Back(dc, c.Length).Select(v => (float)v)], rounded = [.. c.Select(v => (float)(Half)v)];
        Check(p, a, b, rounded, got, 1, 0.5f, k * 1e-4 + 1e-3);
        // One rounding of the exact sum: fp16 results differ from it by at most half a unit of their own.
        for (int row = 0; row < m; row++)
        {
            Half nearest = (Half)p.Expected(a, b, rounded, 2, row, n - 1, 1, 0.5f);
            Assert.InRange(got[2 * p.StrideC + (n - 1) * p.Ldc + row], (float)Half.BitDecrement(nearest),
                (float)Half.BitIncrement(nearest));
        }
    });

    [Fact]
    public void A_product_with_halves_may_have_a_wide_result() => InContext((context, stream, blas) =>
    {
        Product p = new(CublasOperation.Transpose, CublasOperation.None, 9, 5, 11, 1);
        float[] a = p.Values('a', 7), b = p.Values('b', 8), c = p.Values('c', 9);
        using CudaDeviceVariable<Half> da = Copy(context, Halves(a)), db = Copy(context, Halves(b));
        using CudaDeviceVariable<float> dc = Copy(context, c);
        Assert.Equal(CublasStatus.Success, Raw((h, alpha, beta) => Table.GemmEx(h, p.OpA, p.OpB, 9, 5, 11, alpha, da.Pointer,
            CudaDataType.R16F, p.Lda, db.Pointer, CudaDataType.R16F, p.Ldb, beta, dc.Pointer, CudaDataType.R32F, p.Ldc,
            CublasComputeType.Compute32F, CublasGemmAlgo.Default)));
        Check(p, a, b, c, Back(dc, c.Length), 1, 0, 2e-7);
    });

    [Fact]
    public void A_result_that_beta_leaves_out_may_be_memory_that_nobody_wrote() => InContext((context, stream, blas) =>
    {
        using CudaDeviceVariable<float> a = Copy(context, [1f, 2, 3, 4]), c = new(context, 4);
        Square(blas, a, a, c, 0);
        // Column-major [[1, 3], [2, 4]] squared.
        Assert.Equal([7f, 10, 15, 22], Back(c, 4));
    });

    [Theory]
    [InlineData(3, 4, 4, 0, "OutOfBounds")]
    [InlineData(4, 3, 4, 0, "OutOfBounds")]
    [InlineData(4, 4, 3, 0, "OutOfBounds")]
    [InlineData(4, 4, 4, 1, "UninitialisedRead")]
    public void A_matrix_beyond_its_memory_and_a_result_that_nobody_wrote_are_caught(int a, int b, int c, int beta, string fault)
    {
        string message = "", description = "";
        try
        {
            InContext((context, stream, blas) =>
            {
                using CudaDeviceVariable<float> da = Copy(context, new float[a]), db = Copy(context, new float[b]), dc = new(context, c);
                message = Assert.Throws<A2FException>(() => Square(blas, da, db, dc, beta)).Message;
                description = Describe();
            });
        }
        catch (A2FException)
        {
            // The fault ended the context: releases in it repeat the fault.
        }
        Assert.Contains("cublasSgemm: CUBLAS_STATUS_EXECUTION_FAILED", message, StringComparison.Ordinal);
        Assert.Contains($"{fault} in cublasSgemm of [2, 2] and [2, 2]", description, StringComparison.Ordinal);
        Assert.Contains("0x7", description, StringComparison.Ordinal);
    }

    private static void Square(
        CudaBlas blas, CudaDeviceVariable<float> a, CudaDeviceVariable<float> b, CudaDeviceVariable<float> c, float beta) =>
        blas.Sgemm(CublasOperation.None, CublasOperation.None, 2, 2, 2, 1, a.Pointer, 2, b.Pointer, 2, beta, c.Pointer, 2);

    [Fact]
    public void A_captured_product_runs_when_its_graph_does() => InContext((context, stream, blas) =>
    {
        using CudaDeviceVariable<float> a = Copy(context, [2f]), c = Copy(context, [1f]);
        stream.BeginCapture();
        blas.Sgemm(CublasOperation.None, CublasOperation.None, 1, 1, 1, 1, a.Pointer, 1, a.Pointer, 1, 1, c.Pointer, 1);
        using CudaGraph graph = stream.EndCapture();
        Assert.Equal([1f], Back(c, 1));
        graph.Launch(stream);
        graph.Launch(stream);
        stream.Synchronize();
        Assert.Equal([9f], Back(c, 1));
    });

    [Theory]
    [InlineData(0, "a race: kernel cublasSgemm of [1, 3] and [3, 3]")]
    [InlineData(1, "")]
    public void Products_of_two_streams_race_where_they_share_bytes_and_not_where_they_lie_between_each_other(int apart, string race)
    {
        string description = "";
        try
        {
            InContext((context, stream, blas) =>
            {
                // Rows of one [2, 3] matrix, column-major: between two elements of a row lies one of the other.
                using CudaStream other = new(context);
                using CudaDeviceVariable<float> a = Copy(context, new float[9]), c = Copy(context, new float[6]);
                Row(c.Pointer);
                blas.SetStream(other);
                try
                {
                    Row(new CUdeviceptr(c.Pointer.Value + 4 * (ulong)apart));
                }
                catch (A2FException)
                {
                    description = Describe();
                }

                void Row(CUdeviceptr to) =>
                    blas.Sgemm(CublasOperation.None, CublasOperation.None, 1, 3, 3, 1, a.Pointer, 1, a.Pointer, 3, 0, to, 2);
            });
        }
        catch (A2FException)
        {
            // The fault ended the context: releases in it repeat the fault.
        }
        Assert.StartsWith(race, description, StringComparison.Ordinal);
        Assert.Equal(race.Length == 0, description.Length == 0);
    }

    /// <summary>What the emulator says of the last error on this thread.</summary>
    private static string Describe()
    {
        byte* text;
        ((delegate* unmanaged<int, byte**, int>)EmulatedDriver.Find("cuGetErrorString"))(700, &text);
        return Marshal.PtrToStringUTF8((nint)text)!;
    }

    public static TheoryData<string, int> BadCalls => new()
    {
        { "good", 0 },
        { "handle", 1 },
        { "m", 7 },
        { "n", 7 },
        { "k", 7 },
        { "lda", 7 },
        { "ldb", 7 },
        { "ldc", 7 },
        { "op", 7 },
        { "alpha", 7 },
        { "beta", 7 },
        { "a", 7 },
        { "b", 7 },
        { "c", 7 },
        { "type", 15 },
        { "compute", 15 },
        { "swapped", 7 },
        { "empty", 0 },
    };

    /// <summary>op(A) is [3, 5] of a matrix stored as [5, 3], B is [5, 2].</summary>
    [Theory]
    [MemberData(nameof(BadCalls))]
    public void A_wrong_argument_has_the_status_that_cuBLAS_documents(string wrong, int expected) => InContext((context, stream, blas) =>
    {
        using CudaDeviceVariable<float> da = Copy(context, new float[15]), db = Copy(context, new float[10]),
            dc = Copy(context, new float[6]);
        CUdeviceptr a = wrong == "a" ? default : da.Pointer, b = wrong == "b" ? default : db.Pointer, c = wrong == "c" ? default
            : dc.Pointer;
        if (wrong == "swapped") (a, b) = (b, a);
        int m = wrong == "m" ? -1 : wrong == "empty" ? 0 : 3, n = wrong == "n" ? -1 : 2, k = wrong == "k" ? -1 : 5;
        int lda = wrong switch { "lda" => 4, "swapped" => 2, _ => 5 }, ldb = wrong == "ldb" ? 4 : 5, ldc = wrong == "ldc" ? 2 : 3;
        CublasOperation opA = wrong == "op" ? (CublasOperation)3 : CublasOperation.Transpose;
        CudaDataType type = wrong == "type" ? CudaDataType.R16BF : CudaDataType.R32F;
        CublasComputeType compute = wrong == "compute" ? CublasComputeType.Compute16F : CublasComputeType.Compute32F;
        Assert.Equal((CublasStatus)expected, Raw((h, alpha, beta) =>
            Table.GemmEx(wrong == "handle" ? default : h, opA, CublasOperation.None, m, n, k,
            wrong == "alpha" ? null : alpha, a, type, lda, b, type, ldb, wrong == "beta" ? null : beta, c, type, ldc, compute,
                CublasGemmAlgo.Default)));
        if (wrong is "type" or "compute" or "handle") return;
        Assert.Equal((CublasStatus)expected, Raw((h, alpha, beta) => Table.Sgemm(h, opA, CublasOperation.None, m, n, k,
            wrong == "alpha" ? null : alpha, a, lda, b, ldb, wrong == "beta" ? null : beta, c, ldc)));
    });

    [Fact]
    public void Swapped_factors_give_another_result() => InContext((context, stream, blas) =>
    {
        Product p = new(CublasOperation.None, CublasOperation.None, 4, 4, 4, 0);
        float[] a = p.Values('a', 10), b = p.Values('b', 11), c = p.Values('c', 12);
        using CudaDeviceVariable<float> da = Copy(context, a), db = Copy(context, b), dc = Copy(context, c);
        blas.Sgemm(p.OpA, p.OpB, 4, 4, 4, 1, db.Pointer, 4, da.Pointer, 4, 0, dc.Pointer, 4);
        stream.Synchronize();
        Assert.NotNull(Record.Exception(() => Check(p, a, b, c, Back(dc, 16), 1, 0, 2e-7)));
    });

    [Fact]
    public void Handles_die_once_and_the_library_tells_its_version_and_names()
    {
        using CudaContext context = new(EmulatedCuda.Device("sm_89"));
        using CudaContext.Scope scope = context.Enter();
        CublasHandle handle;
        Assert.Equal(CublasStatus.Success, Table.Create(&handle));
        Assert.Equal(CublasStatus.Success, Table.SetMathMode(handle, CublasMath.Tf32TensorOp));
        Assert.Equal(CublasStatus.InvalidValue, Table.SetMathMode(handle, (CublasMath)9));
        Assert.Equal(CublasStatus.Success, Table.Destroy(handle));
        Assert.Equal(CublasStatus.NotInitialized, Table.Destroy(handle));
        Assert.Equal(CublasStatus.NotInitialized, Table.SetStream(handle, default));
        Assert.True(Table.Version >= new Version(11, 4));
        foreach (CublasStatus status in (CublasStatus[])[CublasStatus.Success, CublasStatus.InvalidValue, CublasStatus.NotSupported])
        {
            string name = Marshal.PtrToStringUTF8((nint)Table.GetStatusName(status))!;
            Assert.Equal("CUBLASSTATUS" + status.ToString().ToUpperInvariant(), name.Replace("_", "", StringComparison.Ordinal));
        }
        int value;
        Assert.Equal(CublasStatus.InvalidValue, Table.GetProperty((CublasProperty)3, &value));
    }

    [Fact]
    public void The_emulated_library_exports_the_functions_of_the_table_and_no_others()
    {
        RecordingSource source = new(new Symbols());
        _ = new CublasTable(source);
        Assert.Empty(source.Missing);
        Assert.Equal(9, source.Asked.Count);
        Assert.Equal(0, EmulatedCublas.Find("cublasDgemm_v2"));
    }

    private delegate CublasStatus RawCall(CublasHandle handle, float* alpha, float* beta);

    private static CublasStatus Raw(RawCall call)
    {
        CublasHandle handle;
        Assert.Equal(CublasStatus.Success, Table.Create(&handle));
        float alpha = 1, beta = 0;
        CublasStatus status = call(handle, &alpha, &beta);
        Assert.Equal(CublasStatus.Success, Table.Destroy(handle));
        return status;
    }

    private static CudaDeviceVariable<T> Copy<T>(CudaContext context, T[] values) where T : unmanaged
    {
        CudaDeviceVariable<T> made = new(context, values.Length);
        made.CopyFrom(values);
        return made;
    }

    private static T[] Back<T>(CudaDeviceVariable<T> from, int count) where T : unmanaged
    {
        T[] values = new T[count];
        from.CopyTo(values);
        return values;
    }

    private static Half[] Halves(float[] values) => [.. values.Select(v => (Half)Math.Min(v, 60000))];
}
