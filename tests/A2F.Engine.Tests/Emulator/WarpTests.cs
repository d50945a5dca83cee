using A2F.CudaEmulator;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>What lanes and warps do together: divergence, shuffles, votes, barriers, atomics, asynchronous copies, matrices.</summary>
public sealed class WarpTests
{
    private static readonly ulong[] Squares = [.. Enumerable.Range(0, 32).Select(l => (ulong)(l * l + 1))];

    private static void Lanes(string body, Func<int, ulong> expected)
    {
        ulong[] got = PtxHarness.Run(body, "b32", ("b32", Squares));
        for (int l = 0; l < 32; l++) Assert.True(got[l] == expected(l), $"{body}: lane {l}: {got[l]}, expected {expected(l)}");
    }

    [Fact]
    public void A_loop_of_different_lengths_reconverges() => Lanes(
        "mov.u32 %d, 0; mov.u32 %t0, 0; LOOP: setp.ge.u32 %p, %t0, %lane; @%p bra DONE; add.u32 %d, %d, %t0; add.u32 %t0, %t0, 1; " +
            "bra LOOP; DONE: activemask.b32 %t1; popc.b32 %t1, %t1; add.u32 %d, %d, %t1;",
        l => (ulong)(l * (l - 1) / 2 + 32));

    [Fact]
    public void Nested_branches_reconverge() => Lanes(
        "mov.u32 %d, 0; and.b32 %t0, %lane, 1; setp.eq.u32 %p, %t0, 0; @%p bra EVEN; setp.lt.u32 %q, %lane, 16; @%q bra LOWODD; " +
            "add.u32 %d, %d, 1; bra JOIN; LOWODD: add.u32 %d, %d, 2; bra JOIN; EVEN: add.u32 %d, %d, 4; " +
            "JOIN: vote.sync.ballot.b32 %t1, 1, 0xffffffff; popc.b32 %t1, %t1; mad.lo.u32 %d, %t1, 100, %d;",
        l => (ulong)(3200 + (l % 2 == 0 ? 4 : l < 16 ? 2 : 1)));

    [Fact]
    public void Lanes_that_leave_early_do_not_hold_a_barrier() => Assert.Equal(32 * 20u, PtxHarness.RunText("""
        .visible .entry k(.param .u64 o)
        {
        .reg .pred %p;
        .reg .b32 %t<4>;
        .reg .b64 %a;
        mov.u32 %t0, %tid.x;
        setp.ge.u32 %p, %t0, 20;
        @%p bra END;
        bar.sync 0;
        ld.param.u64 %a, [o];
        red.global.add.u32 [%a], 32;
        END:
        ret;
        }
        """, 1, new Dim3(1), new Dim3(32))[0]);

    [Theory]
    [InlineData("shfl.sync.idx.b32 %d, %a, 5, 31, 0xffffffff;", "idx5")]
    [InlineData("shfl.sync.bfly.b32 %d, %a, 3, 31, 0xffffffff;", "bfly3")]
    [InlineData("shfl.sync.down.b32 %d, %a, 4, 31, 0xffffffff;", "down4")]
    [InlineData("shfl.sync.up.b32 %d, %a, 2, 0, 0xffffffff;", "up2")]
    [InlineData("shfl.sync.bfly.b32 %d, %a, 8, 0x181f, 0xffffffff;", "segment8")]
    [InlineData("shfl.sync.down.b32 %d|%p, %a, 4, 31, 0xffffffff; selp.b32 %d, %d, 999, %p;", "guarded")]
    public void Shuffles_move_values_between_lanes(string body, string what) => Lanes(body, l =>
    {
        int from = what switch
        {
            "idx5" => 5,
            "bfly3" => l ^ 3,
            "down4" or "guarded" => l + 4 <= 31 ? l + 4 : l,
            "up2" => l >= 2 ? l - 2 : l,
            _ => (l & 8) != 0 ? l ^ 8 : l, // only the upper end of an 8-lane segment (0x18 in the mask) is checked
        };
        return what == "guarded" && l + 4 > 31 ? 999 : Squares[from];
    });

    [Theory]
    [InlineData("setp.lt.u32 %p, %lane, 7; vote.sync.ballot.b32 %d, %p, 0xffffffff;", 0x7Ful)]
    [InlineData("setp.lt.u32 %p, %lane, 7; vote.sync.any.pred %q, %p, 0xffffffff; selp.u32 %d, 1, 0, %q;", 1ul)]
    [InlineData("setp.lt.u32 %p, %lane, 7; vote.sync.all.pred %q, %p, 0xffffffff; selp.u32 %d, 1, 0, %q;", 0ul)]
    [InlineData("setp.lt.u32 %p, %lane, 32; vote.sync.uni.pred %q, !%p, 0xffffffff; selp.u32 %d, 1, 0, %q;", 1ul)]
    [InlineData("redux.sync.add.u32 %d, %lane, 0xffffffff;", 496ul)]
    [InlineData("redux.sync.max.s32 %d, %lane, 0xffffffff;", 31ul)]
    [InlineData("redux.sync.xor.b32 %d, %a, 0xffffffff;", 0ul)]
    [InlineData("activemask.b32 %d;", 0xFFFFFFFFul)]
    [InlineData("and.b32 %t0, %lane, 0; match.any.sync.b32 %d, %t0, 0xffffffff;", 0xFFFFFFFFul)]
    [InlineData("match.all.sync.b32 %d|%p, %lane, 0xffffffff;", 0ul)]
    [InlineData("bar.warp.sync 0xffffffff; setp.lt.u32 %p, %lane, 9; bar.red.popc.u32 %d, 0, %p;", 9ul)]
    public void Votes_and_reductions_agree_across_the_warp(string body, ulong expected)
    {
        if (body.StartsWith("redux.sync.xor", StringComparison.Ordinal)) expected = Squares.Aggregate((x, y) => x ^ y);
        Lanes(body, _ => expected);
    }

    [Fact]
    public void A_block_reduction_through_shared_memory_counts_its_work()
    {
        using EmulatedDevice device = new("sm_86", 2);
        PtxKernel kernel = PtxModule.Load(device, PtxHarness.Header + """
            .visible .entry k(.param .u64 o, .param .u64 in)
            {
            .reg .pred %p;
            .reg .b32 %t<8>;
            .reg .f32 %f<4>;
            .reg .b64 %a<4>;
            .shared .align 4 .b8 s[1024];
            mov.u32 %t0, %tid.x;
            ld.param.u64 %a0, [in];
            mul.wide.u32 %a1, %t0, 4;
            add.s64 %a0, %a0, %a1;
            ld.global.f32 %f0, [%a0];
            shl.b32 %t1, %t0, 2;
            mov.u32 %t2, s;
            add.u32 %t1, %t1, %t2;
            st.shared.f32 [%t1], %f0;
            bar.sync 0;
            mov.u32 %t3, 128;
            LOOP:
            setp.ge.u32 %p, %t0, %t3;
            @%p bra SKIP;
            shl.b32 %t4, %t3, 2;
            add.u32 %t4, %t4, %t1;
            ld.shared.f32 %f1, [%t4];
            ld.shared.f32 %f2, [%t1];
            add.f32 %f2, %f1, %f2;
            st.shared.f32 [%t1], %f2;
            SKIP:
            bar.sync 0;
            shr.u32 %t3, %t3, 1;
            setp.ne.u32 %p, %t3, 0;
            @%p bra LOOP;
            setp.ne.u32 %p, %t0, 0;
            @%p bra END;
            ld.shared.f32 %f3, [%t1];
            ld.param.u64 %a2, [o];
            st.global.f32 [%a2], %f3;
            END:
            ret;
            }
            """).Kernel("k");
        float[] values = [.. Enumerable.Range(0, 256).Select(i => (float)i)];
        ulong output = PtxHarness.Upload(device, new float[1]), input = PtxHarness.Upload(device, values);
        LaunchCounters c = device.Launch(kernel, new Dim3(1), new Dim3(256), 0, PtxHarness.Bytes([output, input]));
        byte[] result = new byte[4];
        device.Read(output, result);
        Assert.Equal(255f * 128, BitConverter.ToSingle(result));
        Assert.Equal(255, c.LaneFlops);
        Assert.Equal(1024, c.GlobalBytesRead);
        Assert.Equal(4, c.GlobalBytesWritten);
        Assert.Equal(8 * 4 + 1, c.GlobalSectors);
        Assert.Equal(9, c.GlobalRequests);
        Assert.Equal(0, c.SharedBankConflicts);
        Assert.Equal(8 * 9, c.Barriers);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(8, 1)]
    [InlineData(128, 31)]
    public void Bank_conflicts_are_counted_by_stride(int stride, int conflicts)
    {
        using EmulatedDevice device = new("sm_86", 1);
        PtxKernel kernel = PtxModule.Load(device, PtxHarness.Header + $$"""
            .visible .entry k()
            {
            .reg .b32 %t<3>;
            .shared .align 4 .b8 s[4096];
            mov.u32 %t0, %tid.x;
            mov.u32 %t2, s;
            mad.lo.u32 %t1, %t0, {{stride}}, %t2;
            st.shared.u32 [%t1], %t0;
            ret;
            }
            """).Kernel("k");
        Assert.Equal(conflicts, device.Launch(kernel, new Dim3(1), new Dim3(32), 0, []).SharedBankConflicts);
    }

    [Theory]
    [InlineData("add.u32", 5u, 5u + 64 * 3)]
    [InlineData("max.s32", 5u, 5u)]
    [InlineData("min.u32", 5u, 3u)]
    [InlineData("or.b32", 8u, 11u)]
    [InlineData("and.b32", 6u, 2u)]
    [InlineData("xor.b32", 6u, 6u)]
    [InlineData("add.f32", 0u, 0u)]
    public void Atomics_combine_all_lanes(string op, uint start, uint expected)
    {
        string value = op == "add.f32" ? "0f3F800000" : "3";
        if (op == "add.f32") expected = BitConverter.SingleToUInt32Bits(64f);
        uint[] got = PtxHarness.RunText($$"""
            .visible .entry k(.param .u64 o, .param .u64 in)
            {
            .reg .b32 %t<2>;
            .reg .b64 %a<2>;
            ld.param.u64 %a0, [o];
            ld.param.u64 %a1, [in];
            red.global.add.u32 [%a0+4], 1;
            atom.global.{{op}} %t1, [%a1], {{value}};
            ld.global.u32 %t0, [%a1];
            st.global.u32 [%a0], %t0;
            ret;
            }
            """, 2, new Dim3(2), new Dim3(32), [start]);
        Assert.Equal(64u, got[1]);
        Assert.Equal(expected, got[0]);
    }

    [Fact]
    public void Compare_and_swap_lets_each_lane_in_once() => Assert.Equal(64u, PtxHarness.RunText("""
        .visible .entry k(.param .u64 o)
        {
        .reg .pred %p;
        .reg .b32 %t<4>;
        .reg .b64 %a;
        ld.param.u64 %a, [o];
        AGAIN:
        ld.global.u32 %t0, [%a];
        add.u32 %t1, %t0, 1;
        atom.global.cas.b32 %t2, [%a], %t0, %t1;
        setp.ne.u32 %p, %t2, %t0;
        @%p bra AGAIN;
        ret;
        }
        """, 1, new Dim3(2), new Dim3(32))[0]);

    [Fact]
    public void An_asynchronous_copy_lands_when_waited_for_and_fills_with_zeros()
    {
        uint[] got = PtxHarness.RunText("""
            .visible .entry k(.param .u64 o, .param .u64 in)
            {
            .reg .pred %p;
            .reg .b32 %t<8>;
            .reg .b64 %a<4>;
            .shared .align 16 .b8 s[1024];
            mov.u32 %t0, %tid.x;
            shl.b32 %t1, %t0, 4;
            mov.u32 %t2, s;
            add.u32 %t1, %t1, %t2;
            ld.param.u64 %a0, [in];
            mul.wide.u32 %a1, %t0, 16;
            add.s64 %a0, %a0, %a1;
            setp.lt.u32 %p, %t0, 16;
            selp.u32 %t3, 16, 8, %p;
            cp.async.cg.shared.global [%t1], [%a0], 16, %t3;
            cp.async.commit_group;
            cp.async.wait_group 0;
            bar.sync 0;
            ld.shared.v4.u32 {%t4, %t5, %t6, %t7}, [%t1];
            ld.param.u64 %a2, [o];
            add.s64 %a2, %a2, %a1;
            st.global.v4.u32 [%a2], {%t4, %t5, %t6, %t7};
            ret;
            }
            """, 128, new Dim3(1), new Dim3(32), [.. Enumerable.Range(1, 128).Select(i => (uint)i)]);
        for (int i = 0; i < 128; i++) Assert.Equal(i / 4 >= 16 && i % 4 >= 2 ? 0u : (uint)i + 1, got[i]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ldmatrix_gives_each_lane_its_elements(bool transposed)
    {
        // 32 rows of 8 halves; element (row, column) holds 8 * row + column.
        uint[] input = [.. Enumerable.Range(0, 128).Select(i => (uint)(2 * i) | (uint)(2 * i + 1) << 16)];
        uint[] got = PtxHarness.RunText($$"""
            .visible .entry k(.param .u64 o, .param .u64 in)
            {
            .reg .b32 %t<8>;
            .reg .b64 %a<4>;
            .shared .align 16 .b8 s[512];
            mov.u32 %t0, %tid.x;
            shl.b32 %t1, %t0, 4;
            mov.u32 %t2, s;
            add.u32 %t1, %t1, %t2;
            ld.param.u64 %a0, [in];
            mul.wide.u32 %a1, %t0, 16;
            add.s64 %a0, %a0, %a1;
            ld.global.v4.u32 {%t4, %t5, %t6, %t7}, [%a0];
            st.shared.v4.u32 [%t1], {%t4, %t5, %t6, %t7};
            bar.sync 0;
            ldmatrix.sync.aligned.m8n8.x4{{(transposed ? ".trans" : "")}}.shared.b16 {%t4, %t5, %t6, %t7}, [%t1];
            ld.param.u64 %a2, [o];
            add.s64 %a2, %a2, %a1;
            st.global.v4.u32 [%a2], {%t4, %t5, %t6, %t7};
            ret;
            }
            """, 128, new Dim3(1), new Dim3(32), input);
        for (int l = 0; l < 32; l++)
            for (int m = 0; m < 4; m++)
                for (int e = 0; e < 2; e++)
                {
                    (int row, int column) = transposed ? (2 * (l % 4) + e, l / 4) : (l / 4, 2 * (l % 4) + e);
                    Assert.Equal((uint)(8 * (8 * m + row) + column), got[4 * l + m] >> 16 * e & 0xFFFF);
                }
    }
}
