using A2F.CudaEmulator;
using A2F.Engine.Tests.Backends.Cuda;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>Every check of the emulator, tripped on purpose: the kind, the PTX line and the lane are named.</summary>
public sealed class CheckTests
{
    private const string Body = """
        .visible .entry k(.param .u64 out)
        {
        .reg .pred %p;
        .reg .b32 %t<8>;
        .reg .f32 %f<4>;
        .reg .b64 %a<8>;
        .shared .align 16 .b8 tile[1024];
        ld.param.u64 %a0, [out];
        mov.u32 %t0, %tid.x;
        mul.wide.u32 %a1, %t0, 4;
        add.s64 %a2, %a0, %a1;
        shl.b32 %t1, %t0, 2;
        mov.u32 %t2, tile;
        add.u32 %t3, %t1, %t2;
        """;

    /// <summary>Runs the body with an output buffer of <paramref name="bytes"/>; the last line of it should be at fault.</summary>
    private static EmulatorException Fails(string body, int threads = 32, int bytes = 256, bool written = true, Action<EmulatedDevice,
        ulong>? before = null)
    {
        using EmulatedDevice device = new("sm_86", 2);
        string text = PtxHarness.Header + Body + "\n" + body + "\nret;\n}\n";
        PtxKernel kernel = PtxModule.Load(device, text).Kernel("k");
        ulong address = device.Allocate(bytes, "out");
        if (written) device.Write(address, new byte[bytes]);
        before?.Invoke(device, address);
        EmulatorException e = Assert.Throws<EmulatorException>(
            () => device.Launch(kernel, new Dim3(1), new Dim3(threads), 0, BitConverter.GetBytes(address)));
        Assert.Equal("k", e.Kernel);
        Assert.Contains($"line {e.Line}", e.Message, StringComparison.Ordinal);
        Assert.Equal(text.Split('\n')[e.Line - 1].Trim(), e.LineText);
        return e;
    }

    private static void Expect(EmulatorException e, EmulatorErrorKind kind, string line, int lane)
    {
        Assert.True(e.Kind == kind, e.Message);
        Assert.StartsWith(line, e.LineText, StringComparison.Ordinal);
        Assert.True(e.Lane == lane, e.Message);
    }

    [Fact]
    public void A_store_past_the_end_is_named() =>
        Expect(Fails("st.global.u32 [%a2], %t0;", bytes: 100), EmulatorErrorKind.OutOfBounds, "st.global.u32", 25);

    [Fact]
    public void A_load_past_the_end_is_named() =>
        Expect(Fails("ld.global.u32 %t4, [%a2+4];", bytes: 128), EmulatorErrorKind.OutOfBounds, "ld.global.u32", 31);

    [Fact]
    public void A_load_before_the_start_is_named() =>
        Expect(Fails("ld.global.u32 %t4, [%a2+-4];"), EmulatorErrorKind.OutOfBounds, "ld.global.u32", 0);

    [Fact]
    public void A_misaligned_load_is_named() =>
        Expect(Fails("ld.global.u32 %t4, [%a2+2];"), EmulatorErrorKind.Misaligned, "ld.global.u32", 0);

    [Fact]
    public void A_misaligned_vector_load_is_named() =>
        Expect(Fails("ld.global.v4.u32 {%t4, %t5, %t6, %t7}, [%a2];"), EmulatorErrorKind.Misaligned, "ld.global.v4", 1);

    [Fact]
    public void A_read_of_unwritten_global_memory_is_named() =>
        Expect(Fails("ld.global.u32 %t4, [%a2];", written: false, before: (d, a) => d.Write(a, new byte[40])),
            EmulatorErrorKind.UninitialisedRead, "ld.global.u32", 10);

    [Fact]
    public void A_read_of_freed_memory_is_named() =>
        Expect(Fails("ld.global.u32 %t4, [%a2];", before: (d, a) => d.Free(a)), EmulatorErrorKind.UseAfterFree, "ld.global.u32", 0);

    [Fact]
    public void A_read_of_unwritten_shared_memory_is_named() =>
        Expect(Fails("setp.lt.u32 %p, %t0, 5;\n@%p st.shared.u32 [%t3], %t0;\nld.shared.u32 %t4, [%t3];"),
            EmulatorErrorKind.UninitialisedRead, "ld.shared.u32", 5);

    [Fact]
    public void A_shared_access_past_the_end_is_named() =>
        Expect(Fails("st.shared.u32 [%t3+1000], %t0;"), EmulatorErrorKind.OutOfBounds, "st.shared.u32", 6);

    [Fact]
    public void A_misaligned_shared_access_is_named() =>
        Expect(Fails("st.shared.v2.u32 [%t3], {%t0, %t0};"), EmulatorErrorKind.Misaligned, "st.shared.v2", 1);

    [Fact]
    public void A_missing_barrier_between_warps_is_a_race()
    {
        EmulatorException e = Fails("st.shared.u32 [%t3], %t0;\nxor.b32 %t4, %t3, 128;\nld.shared.u32 %t5, [%t4];", threads: 64);
        // Warp 0 reads what warp 1 has not written yet, or warp 1 what warp 0 wrote: either is named.
        Assert.True(e.Kind is EmulatorErrorKind.SharedRace or EmulatorErrorKind.UninitialisedRead, e.Message);
        Assert.StartsWith("ld.shared.u32", e.LineText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_barrier_before_overwriting_is_a_race() =>
        Expect(Fails("st.shared.u32 [%t3], %t0;\nbar.sync 0;\nxor.b32 %t4, %t3, 128;\nld.shared.u32 %t5, [%t4];\nst.shared.u32 [%t3], " +
            "%t5;", threads: 64),
            EmulatorErrorKind.SharedRace, "ld.shared.u32", 0);

    [Fact]
    public void A_write_to_what_another_warp_has_read_is_a_race() =>
        Expect(Fails("st.shared.u32 [%t3], %t0;\nbar.sync 0;\nsetp.lt.u32 %p, %t0, 32;\n@%p ld.shared.u32 %t5, [%t3+128];\n@!%p " +
            "st.shared.u32 [%t3], 0;", threads: 64),
            EmulatorErrorKind.SharedRace, "@!%p st.shared.u32", 0);

    [Fact]
    public void Lanes_that_store_different_values_to_one_place_race() =>
        Expect(Fails("st.shared.u32 [tile], %t0;"), EmulatorErrorKind.SharedRace, "st.shared.u32", 0);

    [Fact]
    public void A_barrier_in_a_branch_is_divergent() =>
        Expect(Fails("setp.lt.u32 %p, %t0, 16;\n@!%p bra SKIP;\nbar.sync 0;\nadd.u32 %t4, %t0, 1;\nSKIP:\nst.global.u32 [%a2], %t0;"),
            EmulatorErrorKind.DivergentBarrier, "bar.sync", 16);

    [Fact]
    public void A_barrier_that_other_warps_never_reach_is_named() =>
        Expect(Fails("setp.lt.u32 %p, %t0, 32;\n@%p bra ONE;\nbar.sync 1;\nret;\nONE:\nbar.sync 2;", threads: 64),
            EmulatorErrorKind.BarrierMismatch, "bar.sync", -1);

    [Fact]
    public void A_barrier_count_that_is_no_multiple_of_a_warp_is_named() =>
        Expect(Fails("bar.sync 1, 48;", threads: 64), EmulatorErrorKind.BarrierMismatch, "bar.sync", 0);

    [Fact]
    public void A_shuffle_from_a_lane_outside_the_mask_is_named() =>
        Expect(Fails("setp.lt.u32 %p, %t0, 16;\n@%p shfl.sync.bfly.b32 %t4, %t0, 1, 31, 0xffffffff;"),
            EmulatorErrorKind.WarpSyncMask, "@%p shfl.sync", 0);

    [Fact]
    public void A_read_before_the_copy_was_waited_for_is_named() =>
        Expect(Fails("cp.async.ca.shared.global [%t3], [%a2], 4;\ncp.async.commit_group;\nld.shared.u32 %t4, [%t3];"),
            EmulatorErrorKind.PendingCopy, "ld.shared.u32", 0);

    [Fact]
    public void Atomics_of_several_warps_agree_but_a_plain_read_among_them_is_a_race()
    {
        const string reads = "ld.shared.u32 %t5, [tile];";
        Expect(Fails($"{First}bar.sync 0;\natom.shared.add.u32 %t4, [tile], 1;\n{reads}", threads: 64), EmulatorErrorKind.SharedRace,
            "atom.shared", 0);
        Expect(Fails($"{First}bar.sync 0;\nsetp.lt.u32 %p, %t0, 32;\n@%p atom.shared.add.u32 %t4, [tile], 1;\n@!%p {reads}", threads: 64),
            EmulatorErrorKind.SharedRace, "@!%p ld.shared", 0);
        // A warp may read what it alone added to, and all may read after a barrier.
        Expect(Fails($"{First}bar.sync 0;\natom.shared.add.u32 %t4, [%t3], 1;\nld.shared.u32 %t5, [%t3];\ntrap;"), EmulatorErrorKind.Trap,
            "trap", 0);
        Expect(Fails($"{First}bar.sync 0;\natom.shared.add.u32 %t4, [tile], 1;\nbar.sync 0;\n{reads}\ntrap;", threads: 64),
            EmulatorErrorKind.Trap, "trap", 0);
    }

    /// <summary>Zeros in the first words of the tile.</summary>
    private const string First = "mov.u32 %t6, 0;\nst.shared.u32 [%t3], %t6;\n";

    [Fact]
    public void A_trap_is_named() => Expect(Fails("setp.eq.u32 %p, %t0, 9;\n@%p trap;"), EmulatorErrorKind.Trap, "@%p trap", 9);

    [Fact]
    public void An_endless_loop_is_named() =>
        Expect(Fails("LOOP:\nbra LOOP;", before: (d, _) => d.TimeSliceLimit = 4), EmulatorErrorKind.Hang, "bra", -1);

    [Fact]
    public void A_write_to_constant_memory_is_named()
    {
        using EmulatedDevice device = new("sm_86", 1);
        PtxModule module = PtxModule.Load(device, PtxHarness.Header + """
            .const .align 4 .u32 table[4] = {1, 2, 3, 4};
            .visible .entry k()
            {
            .reg .b64 %a;
            mov.u64 %a, table;
            st.global.u32 [%a+4], 7;
            ret;
            }
            """);
        EmulatorException e = Assert.Throws<EmulatorException>(() => device.Launch(module.Kernel("k"), new Dim3(1), new Dim3(32), 0, []));
        Expect(e, EmulatorErrorKind.ReadOnlyWrite, "st.global.u32", 0);
    }

    [Fact]
    public void A_wrong_parameter_size_is_refused()
    {
        using EmulatedDevice device = new("sm_86", 1);
        PtxKernel kernel = PtxModule.Load(device, PtxHarness.Header + Body + "ret;\n}\n").Kernel("k");
        EmulatorException e = Assert.Throws<EmulatorException>(() => device.Launch(kernel, new Dim3(1), new Dim3(32), 0, new byte[12]));
        Assert.Equal(EmulatorErrorKind.ParameterSize, e.Kind);
        e = Assert.Throws<EmulatorException>(() => device.Launch(kernel, new Dim3(1), new Dim3(2048), 0, new byte[8]));
        Assert.Equal(EmulatorErrorKind.LaunchLimits, e.Kind);
        e = Assert.Throws<EmulatorException>(() => device.Launch(kernel, new Dim3(1), new Dim3(32), 200_000, new byte[8]));
        Assert.Equal(EmulatorErrorKind.LaunchLimits, e.Kind);
    }

    [Theory]
    [InlineData("frobnicate.u32 %t4, %t0;", EmulatorErrorKind.Unsupported)]
    [InlineData("add.wonder.u32 %t4, %t0, %t1;", EmulatorErrorKind.Unsupported)]
    [InlineData("ld.global.u64 %t4, [%a2];", EmulatorErrorKind.Unsupported)]
    [InlineData("mov.u32 %t4, %nosuch;", EmulatorErrorKind.Unsupported)]
    [InlineData("bra NOWHERE;", EmulatorErrorKind.Syntax)]
    [InlineData("ld.global.u32 %t4, [%zz];", EmulatorErrorKind.Syntax)]
    [InlineData("mov.u32 %t4, 0x;", EmulatorErrorKind.Syntax)]
    public void What_is_not_known_is_refused_at_loading_with_its_line(string line, EmulatorErrorKind kind)
    {
        using EmulatedDevice device = new("sm_86", 1);
        string text = PtxHarness.Header + Body + "\n" + line + "\nret;\n}\n";
        EmulatorException e = Assert.Throws<EmulatorException>(() => PtxModule.Load(device, text));
        Assert.True(e.Kind == kind, e.Message);
        Assert.Equal(Array.IndexOf(text.Split('\n'), line) + 1, e.Line);
    }

    [Fact]
    public void A_text_cut_off_anywhere_is_an_error_not_a_crash()
    {
        string text = PtxHarness.Header + Body + "\n@%p bra L;\nL: st.shared.v2.u32 [%t3+8], {%t0, %t0};\nret;\n}\n";
        using EmulatedDevice device = new("sm_86", 1);
        for (int length = 0; length < text.Length - 2; length++)
        {
            try
            {
                PtxModule.Load(device, text[..length]);
            }
            catch (EmulatorException)
            {
            }
        }
    }

    [Fact]
    public void Host_copies_are_checked_too()
    {
        using EmulatedDevice device = new("sm_86", 1);
        ulong a = device.Allocate(16);
        Assert.Equal(EmulatorErrorKind.UninitialisedRead, Assert.Throws<EmulatorException>(() => device.Read(a, new byte[16])).Kind);
        Assert.Equal(EmulatorErrorKind.OutOfBounds, Assert.Throws<EmulatorException>(() => device.Write(a + 8, new byte[16])).Kind);
        device.Free(a);
        Assert.Equal(EmulatorErrorKind.UseAfterFree, Assert.Throws<EmulatorException>(() => device.Write(a, new byte[16])).Kind);
        Assert.Equal(EmulatorErrorKind.UseAfterFree, Assert.Throws<EmulatorException>(() => device.Free(a)).Kind);
        Assert.NotEqual(a, device.Allocate(16));
    }

    /// <summary>For every kind of error, something that is it. A kind without an entry is a check that no test trips.</summary>
    private static readonly Dictionary<EmulatorErrorKind, Func<EmulatorException>> Trips = new()
    {
        [EmulatorErrorKind.Syntax] = () => Refused("mov.u32 %t4, 0x;"),
        [EmulatorErrorKind.Unsupported] = () => Refused("frobnicate.u32 %t4, %t0;"),
        [EmulatorErrorKind.OutOfBounds] = () => Fails("st.global.u32 [%a2], %t0;", bytes: 100),
        [EmulatorErrorKind.Misaligned] = () => Fails("ld.global.u32 %t4, [%a2+2];"),
        [EmulatorErrorKind.UninitialisedRead] = () => Fails("ld.shared.u32 %t4, [%t3];"),
        [EmulatorErrorKind.UseAfterFree] = () => Fails("ld.global.u32 %t4, [%a2];", before: (d, a) => d.Free(a)),
        [EmulatorErrorKind.ReadOnlyWrite] = () => Fails("st.param.u32 [out], %t0;"),
        [EmulatorErrorKind.SharedRace] = () => Fails("st.shared.u32 [tile], %t0;"),
        [EmulatorErrorKind.PendingCopy] = () => Fails("cp.async.ca.shared.global [%t3], [%a2], 4;\nld.shared.u32 %t4, [%t3];"),
        [EmulatorErrorKind.DivergentBarrier] = () => Fails("setp.lt.u32 %p, %t0, 16;\n@%p bar.sync 0;"),
        [EmulatorErrorKind.BarrierMismatch] = () => Fails("bar.sync 16;"),
        [EmulatorErrorKind.WarpSyncMask] = () => Fails("setp.lt.u32 %p, %t0, 16;\n@%p bar.warp.sync 0xffffffff;"),
        [EmulatorErrorKind.ParameterSize] = () => Launched(new Dim3(32), 0, new byte[4]),
        [EmulatorErrorKind.LaunchLimits] = () => Launched(new Dim3(1025), 0, new byte[8]),
        [EmulatorErrorKind.Trap] = () => Fails("trap;"),
        [EmulatorErrorKind.Hang] = () => Fails("LOOP:\nbra LOOP;", before: (d, _) => d.TimeSliceLimit = 4),
        [EmulatorErrorKind.NotFound] = () => Refused("", "nobody"),
    };

    /// <summary>Kinds that only the driver's queue finds, and the tests that trip them there.</summary>
    private static readonly Dictionary<EmulatorErrorKind, Type> InTheDriver = new()
    {
        [EmulatorErrorKind.StreamRace] = typeof(EmulatedRaceTests),
        [EmulatorErrorKind.HostRace] = typeof(EmulatedMisuseTests),
    };

    public static TheoryData<EmulatorErrorKind> Kinds => [.. Enum.GetValues<EmulatorErrorKind>().Where(k => !InTheDriver.ContainsKey(k))];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_kind_of_error_has_something_that_trips_it(EmulatorErrorKind kind)
    {
        Assert.True(Trips.TryGetValue(kind, out Func<EmulatorException>? trip), $"nothing trips {kind}: add to {nameof(Trips)}");
        EmulatorException e = trip();
        Assert.True(e.Kind == kind, e.Message);
    }

    private static EmulatorException Refused(string line, string kernel = "k") => Assert.Throws<EmulatorException>(() =>
    {
        using EmulatedDevice device = new("sm_86", 1);
        PtxModule.Load(device, PtxHarness.Header + Body + "\n" + line + "\nret;\n}\n").Kernel(kernel);
    });

    private static EmulatorException Launched(Dim3 block, int shared, byte[] parameters) => Assert.Throws<EmulatorException>(() =>
    {
        using EmulatedDevice device = new("sm_86", 1);
        device.Launch(PtxModule.Load(device, PtxHarness.Header + Body + "ret;\n}\n").Kernel("k"), new Dim3(1), block, shared, parameters);
    });

    [Fact]
    public void The_lowest_failing_block_is_the_one_reported()
    {
        using EmulatedDevice device = new("sm_86", 2);
        PtxKernel kernel = PtxModule.Load(device, PtxHarness.Header + """
            .visible .entry k()
            {
            .reg .pred %p;
            .reg .b32 %t;
            mov.u32 %t, %ctaid.x;
            setp.ge.u32 %p, %t, 37;
            @%p trap;
            ret;
            }
            """).Kernel("k");
        for (int repeat = 0; repeat < 20; repeat++)
        {
            EmulatorException e = Assert.Throws<EmulatorException>(() => device.Launch(kernel, new Dim3(200), new Dim3(32), 0, []));
            Assert.Equal(37, e.Block.X);
        }
    }
}
