using A2F.CudaEmulator;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>What the emulator does not do is refused when the text is loaded, with the instruction: never skipped, never guessed.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%t0], {%t1};")]
    [InlineData("wgmma.fence.sync.aligned;")]
    [InlineData("cp.async.bulk.commit_group;")]
    [InlineData("cp.async.mbarrier.arrive.shared.b64 [%t0];")]
    [InlineData("cp.async.cg.shared.global [%t0], [%w0], 8;")]
    [InlineData("cp.async.ca.shared.global [%t0], [%w0], 4, 4, %w1;")]
    [InlineData("mbarrier.init.shared.b64 [%t0], 1;")]
    [InlineData("createpolicy.fractional.L2::evict_last.b64 %w0, 1.0;")]
    [InlineData("ld.global.L2::cache_hint.u32 %t0, [%w0], %w1;")]
    [InlineData("ld.global.v8.u32 %t0, [%w0];")]
    [InlineData("brx.idx %t0, table;")]
    [InlineData("call.uni other, (%t0);")]
    [InlineData("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%w0, %w1}, {%w2}, {%w3}, {%w0, %w1};")]
    [InlineData("mma.sync.aligned.m16n8k16.col.col.f32.f16.f16.f32 {%t0, %t1, %t2, %t3}, {%t4, %t5, %t6, %t7}, {%t0, %t1}, {%t0, %t1, " +
        "%t2, %t3};")]
    [InlineData("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%t0, %t1}, {%t4, %t5, %t6, %t7}, {%t0, %t1}, {%t0, %t1, %t2, %t3};")]
    [InlineData("mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%t0, %t1, %t2, %t3}, {%t4, %t5}, {%t0, %t1}, {%t0, %t1, %t2, " +
        "%t3}, %t0, 0;")]
    [InlineData("wmma.load.a.sync.aligned.row.m16n16k16.f16 {%t0}, [%w0];")]
    [InlineData("ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%t0, %t1}, [%t0];")]
    [InlineData("red.global.add.v2.f32 [%w0], {%t0, %t1};")]
    [InlineData("atom.global.min.f32 %t0, [%w0], %t1;")]
    [InlineData("red.async.relaxed.cluster.add.u32 [%t0], %t1, [%t2];")]
    [InlineData("min.s32 %t0, %t1, %t2, %t3;")]
    [InlineData("add.f32 %t0, %t1, %t2, %t3;")]
    [InlineData("add.f32 %t0, %t1;")]
    [InlineData("add.rz.f64 %w0, %w1, %w2;")]
    [InlineData("min.xorsign.abs.f32 %t0, %t1, %t2;")]
    [InlineData("cvt.rn.satfinite.e4m3x2.f32 %t0, %t1, %t2;")]
    [InlineData("cvt.s32.f32 %t0, %t1;")]
    [InlineData("redux.sync.add.f32 %t0, %t1, -1;")]
    [InlineData("elect.sync %t0|%p, -1;")]
    [InlineData("griddepcontrol.wait;")]
    [InlineData("fence.proxy.async;")]
    [InlineData("discard.global.L2 [%w0], 128;")]
    [InlineData("vadd4.u32.u32.u32 %t0, %t1, %t2, %t3;")]
    [InlineData("txq.width.b32 %t0, [%w0];")]
    [InlineData("lop3.or.b32 %t0|%p, %t1, %t2, %t3, 0x96, %q;")]
    [InlineData("mov.u32 %t0, %clusterid.x;")]
    [InlineData("mov.u64 %t0, %w0;")]
    [InlineData("add.u32 %t0, %p, 1;")]
    [InlineData("st.global.u32 [%w0], %t0, %t1;")]
    public void An_instruction_that_is_not_emulated_is_refused_with_its_line(string instruction)
    {
        string text = PtxHarness.NewestHeader +
            ".visible .entry strange()\n{\n.reg .pred %p, %q;\n.reg .b32 %t<8>;\n.reg .b64 %w<8>;\n" + instruction + "\nret;\n}\n";
        using EmulatedDevice device = new("sm_90", 1);
        EmulatorException e = Assert.Throws<EmulatorException>(() => PtxModule.Load(device, text));
        Assert.True(e.Kind == EmulatorErrorKind.Unsupported, e.Message);
        Assert.Equal("strange", e.Kernel);
        Assert.Equal(9, e.Line);
        Assert.Contains(instruction, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(75, 80, "cp.async.wait_all;")]
    [InlineData(75, 80, "redux.sync.add.u32 %t0, %t1, -1;")]
    [InlineData(75, 80, "cvt.rna.tf32.f32 %t0, %t1;")]
    [InlineData(75, 80, "cvt.rn.f16x2.f32 %t0, %t1, %t2;")]
    [InlineData(75, 80, "max.f16x2 %t0, %t1, %t2;")]
    [InlineData(75, 80, "fma.rn.bf16x2 %t0, %t1, %t2, %t3;")]
    [InlineData(75, 80, "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%t0, %t1, %t2, %t3}, {%t4, %t5, %t6, %t7}, {%t0, %t1}, " +
        "{%t0, %t1, %t2, %t3};")]
    [InlineData(86, 90, "add.bf16x2 %t0, %t1, %t2;")]
    [InlineData(70, 75, "tanh.approx.f32 %t0, %t1;")]
    [InlineData(70, 75, "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%t0}, [%t1];")]
    public void An_instruction_younger_than_the_target_is_refused_and_runs_from_its_architecture_on(int target, int needed,
        string instruction)
    {
        using EmulatedDevice device = new("sm_90", 1);
        EmulatorException e = Assert.Throws<EmulatorException>(() => Load(target));
        Assert.Equal(EmulatorErrorKind.Unsupported, e.Kind);
        Assert.Contains($"needs sm_{needed}, the text's target is sm_{target}", e.Message, StringComparison.Ordinal);
        Assert.Equal("young", Load(needed).Kernel("young").Name);

        PtxModule Load(int architecture) => PtxModule.Load(device,
            $".version 7.8\n.target sm_{architecture}\n.address_size 64\n.visible .entry " +
                $"young()\n{{\n.reg .b32 %t<8>;\n{instruction}\nret;\n}}\n");
    }
}
