namespace A2F.Engine.Tests.Emulator;

/// <summary>Memory, atomics, asynchronous copies, and what lanes do together, one instruction form at a time.</summary>
public sealed partial class ConformanceTests
{
    /// <summary>%t7 becomes the shared address of this lane's 16 bytes.</summary>
    private const string Mine = ".shared .align 16 .b8 s[512]; mov.u32 %t7, s; mad.lo.u32 %t7, %lane, 16, %t7; ";

    /// <summary>%w7 becomes the global address of this lane's 8 bytes of the first input.</summary>
    private const string Input = "ld.param.u64 %w7, [p0]; add.s64 %w7, %w7, %off; ";

    private static OpcodeCase Shared(string name, string body, string result, string inputs, Func<ulong, ulong, ulong, ulong> f) =>
        Body("{ " + Mine + body + " }", result, inputs, f) with { Name = name };

    private static OpcodeCase Global(string load, string result, Func<ulong, ulong> f) =>
        Body(Input + load, result, "b64", (a, _, _) => f(a)) with { Name = load };

    private static IEnumerable<OpcodeCase> Loads()
    {
        string[] plain =
        [
            "ld.global.u32", "ld.global.nc.u32", "ld.global.ca.u32", "ld.global.cg.u32", "ld.global.cs.u32", "ld.global.lu.u32",
                "ld.global.cv.u32",
            "ld.volatile.global.u32", "ld.relaxed.gpu.global.u32", "ld.acquire.sys.global.u32", "ld.weak.global.u32", "ldu.global.u32",
            "ld.global.L1::evict_last.u32", "ld.global.nc.L1::no_allocate.L2::128B.u32", "ld.global.L2::64B.u32", "ld.global.L2::256B.u32",
            "ld.u32",
        ];
        foreach (string load in plain) yield return Global($"{load} %d, [%w7];", "u32", a => a);
        yield return Global("ld.global.L2::128B.v2.u32 {%t0, %t1}, [%w7]; sub.u32 %d, %t1, %t0;", "u32", a => (a >> 32) - a);
        yield return Global("and.b64 %w7, %w7, -16; ld.global.nc.v4.u32 {%t0, %t1, %t2, %t3}, [%w7]; xor.b32 %d, %t0, %t0;", "u32", _ => 0);
        yield return Global("ld.global.v2.u16 {%t0, %t1}, [%w7+4]; mad.lo.u32 %d, %t1, 3, %t0;", "u32", a => (a >> 48) * 3 +
            (a >> 32 & 0xFFFF));
        yield return Global("ld.global.u8 %d, [%w7+7];", "u32", a => a >> 56);
        yield return Global("ld.global.s8 %d, [%w7+7];", "s32", a => (ulong)((long)a >> 56));
        yield return Global("ld.global.s16 %d, [%w7+6];", "s32", a => (ulong)((long)a >> 48));
        yield return Global("ld.global.b64 %d, [%w7];", "b64", a => a);
        yield return Global("ld.global.s32 %d, [%w7+4];", "s64", a => (ulong)((long)a >> 32));
        yield return Global("and.b64 %w6, %w7, -16; ld.global.v2.b64 {%w0, %w1}, [%w6]; and.b64 %w7, %w7, 8; setp.eq.s64 %p, %w7, 0; " +
            "selp.b64 %d, %w0, %w1, %p;", "b64", a => a);
        yield return Global("cvta.to.global.u64 %w7, %w7; cvta.global.u64 %w6, %w7; ld.u64 %d, [%w6];", "b64", a => a);
        yield return Global("prefetch.global.L2 [%w7]; prefetchu.L1 [%w7]; mov.b64 %d, %a;", "b64", a => a);
    }

    private static IEnumerable<OpcodeCase> Stores()
    {
        yield return Shared("st.shared.v4", "st.shared.v4.u32 [%t7], {%a, %b, %a, %b}; ld.shared.v2.u32 {%t0, %t1}, [%t7+8]; sub.u32 " +
            "%d, %t0, %t1;",
            "u32", "u32 u32", (a, b, _) => a - b);
        yield return Shared("st.shared.v2.b64", "st.shared.v2.b64 [%t7], {%a, %b}; ld.shared.b64 %d, [%t7+8];", "b64", "b64 b64",
            (_, b, _) => b);
        yield return Shared("st.shared.u8", "st.shared.u32 [%t7], %a; st.shared.u8 [%t7+1], %b; ld.shared.u32 %d, [%t7];", "u32", "u32 u32",
            (a, b, _) => a & 0xFFFF00FF | (b & 0xFF) << 8);
        yield return Shared("st.shared.b16", "st.shared.u32 [%t7], %a; st.shared.b16 [%t7+2], %b; ld.shared.u32 %d, [%t7];", "u32",
            "u32 b16",
            (a, b, _) => a & 0xFFFF | b << 16);
        yield return Shared("generic store to shared", "cvt.u64.u32 %w0, %t7; cvta.shared.u64 %w0, %w0; st.u32 [%w0], %a; ld.shared.u32 " +
            "%d, [%t7];",
            "u32", "u32", (a, _, _) => a);
        yield return Shared("generic address back to shared",
            "cvt.u64.u32 %w0, %t7; cvta.shared.u64 %w1, %w0; cvta.to.shared.u64 %w1, %w1; sub.s64 %d, %w1, %w0; add.s64 %d, %d, %a;",
                "u64", "u64",
            (a, _, _) => a);
        foreach (string store in (string[])["st.global.wb", "st.global.cg", "st.global.cs", "st.global.wt", "st.volatile.global",
            "st.release.gpu.global"])
            yield return Global($"not.b32 %t0, %lane; {store}.u32 [%w7], %t0; ld.global.u32 %d, [%w7]; add.u32 %d, %d, %lane;", "u32", _ =>
                uint.MaxValue);
        yield return Global("cvt.u32.u64 %t1, %a; st.global.v2.b32 [%w7], {%t1, 7}; ld.global.u64 %d, [%w7];", "b64",
            a => 7UL << 32 | a & 0xFFFFFFFF);
        yield return Body("{ .local .align 8 .b8 l[64]; st.local.v2.u32 [l+8], {%a, %b}; ld.local.u64 %d, [l+8]; }", "b64", "u32 u32",
            (a, b, _) => b << 32 | a) with
        { Name = "st.local.v2" };
        yield return Body(
            "{ .local .align 8 .b8 l[64]; mov.u64 %w0, l; cvta.local.u64 %w1, %w0; and.b32 %t0, %a, 7; mul.wide.u32 %w2, %t0, 8; " +
            "add.s64 %w1, %w1, %w2; st.u64 [%w1], %w2; add.s64 %w0, %w0, %w2; ld.local.u64 %d, [%w0]; }", "b64", "u32", (a, _, _) =>
                (a & 7) * 8) with
        { Name = "generic store to local" };
    }

    /// <summary>atom on a word of its own: what was there below, what is there now above.</summary>
    private static OpcodeCase Atom(string op, string type, Func<ulong, ulong, ulong, ulong> f, string operands = "%b")
    {
        bool wide = type.EndsWith("64", StringComparison.Ordinal), narrow = type is "f16" or "bf16";
        if (wide)
        {
            return Shared($"atom.shared.{op}.{type}", $"st.shared.b64 [%t7], %a; atom.shared.{op}.{type} %w0, [%t7], {operands}; " +
                "ld.shared.b64 %w1, [%t7]; setp.eq.b64 %p, %w0, %a; selp.b64 %d, %w1, 0, %p;", type, $"{type} {type} {type}", f);
        }
        (string bits, string noftz) = narrow ? ("b16", ".noftz") : ("b32", "");
        return Shared($"atom.shared.{op}.{type}", $"{{ .reg .{bits} %x; st.shared.{bits} [%t7], %a; " +
            $"atom.shared.{op}{noftz}.{type} %x, [%t7], {operands}; ld.shared.{bits} %d, [%t7]; " +
            $"setp.eq.{bits} %p, %x, %a; @!%p mov.{bits} %d, 0x5A5A; }}", type, $"{type} {type} {type}", f);
    }

    private static IEnumerable<OpcodeCase> Atomics()
    {
        yield return Atom("add", "u32", (a, b, _) => a + b);
        yield return Atom("add", "s32", (a, b, _) => a + b);
        yield return Atom("add", "u64", (a, b, _) => a + b);
        yield return Atom("add", "f32", (a, b, _) => F(Z(Z(S(a)) + Z(S(b)))));
        yield return Atom("add", "f64", (a, b, _) => G(D(a) + D(b)));
        yield return Atom("add", "f16", (a, b, _) => H(Half(a) + Half(b)));
        yield return Atom("add", "bf16", (a, b, _) => ToB((double)B(a) + B(b)));
        yield return Shared("atom.shared.add.noftz.f16x2",
            "st.shared.b32 [%t7], %a; atom.shared.add.noftz.f16x2 %t0, [%t7], %b; ld.shared.b32 %d, [%t7];",
            "f16x2", "f16x2 f16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => H(Half(x) + Half(y))));
        yield return Shared("red.shared.add.noftz.bf16x2",
            "st.shared.b32 [%t7], %a; red.shared.add.noftz.bf16x2 [%t7], %b; ld.shared.b32 %d, [%t7];",
            "bf16x2", "bf16x2 bf16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => ToB((double)B(x) + B(y))));
        yield return Atom("min", "s32", (a, b, _) => (ulong)Math.Min((int)a, (int)b));
        yield return Atom("min", "u64", (a, b, _) => Math.Min(a, b));
        yield return Atom("max", "u32", (a, b, _) => Math.Max(a, b));
        yield return Atom("max", "s64", (a, b, _) => (ulong)Math.Max((long)a, (long)b));
        yield return Atom("and", "b32", (a, b, _) => a & b);
        yield return Atom("or", "b64", (a, b, _) => a | b);
        yield return Atom("xor", "b32", (a, b, _) => a ^ b);
        yield return Atom("exch", "b32", (_, b, _) => b);
        yield return Atom("exch", "b64", (_, b, _) => b);
        yield return Atom("inc", "u32", (a, b, _) => a >= b ? 0 : a + 1);
        yield return Atom("dec", "u32", (a, b, _) => a == 0 || a > b ? b : a - 1);
        yield return Atom("cas", "b32", (_, b, _) => b, "%a, %b");
        yield return Atom("cas", "b64", (a, b, c) => a == c ? b : a, "%c, %b");
        yield return Global("red.global.add.u64 [%w7], 5; red.relaxed.gpu.global.max.u64 [%w7], 9; ld.global.u64 %d, [%w7];", "b64",
            a => Math.Max(a + 5, 9));
        yield return Global("cvt.u32.u64 %t1, %a; atom.global.add.u32 %t0, [%w7], 7; ld.global.u32 %t2, [%w7]; sub.u32 %t2, %t2, %t0; " +
            "setp.eq.u32 %p, %t0, %t1; selp.u32 %d, %t2, 0, %p;", "u32", _ => 7);
    }

    private static IEnumerable<OpcodeCase> Copies()
    {
        foreach ((string cache, int bytes) in ((string, int)[])[("ca", 4), ("ca", 8), ("ca", 16), ("cg", 16)])
        {
            // Lanes copy from 0 to all bytes of the input's slot (or of a pair of slots); the rest becomes zeros.
            string from = bytes == 16 ? "and.b64 %w7, %w7, -16; " : "";
            yield return new($"cp.async.{cache} of {bytes} bytes with zero fill", "{ " + Mine + Input + from +
                $"rem.u32 %t0, %lane, {bytes + 1}; st.shared.v2.b64 [%t7], {{-1, -1}}; " +
                $"cp.async.{cache}.shared.global [%t7], [%w7], {bytes}, %t0; cp.async.wait_all; ld.shared.b64 %d, [%t7]; }}", "b64",
                    ["b64"],
                null)
            {
                ByLane = (l, a, _) =>
                {
                    byte[] source = [.. BitConverter.GetBytes(a[bytes == 16 ? l & ~1 : l]), .. BitConverter.GetBytes(a[l | 1])];
                    byte[] all = [.. Enumerable.Repeat((byte)0xFF, 8)];
                    for (int k = 0; k < Math.Min(8, bytes); k++) all[k] = k < l % (bytes + 1) ? source[k] : (byte)0;
                    return BitConverter.ToUInt64(all);
                },
            };
        }
        yield return Shared("cp.async.ca.L2::128B in groups", Input +
            "cp.async.ca.shared.global.L2::128B [%t7], [%w7], 8; cp.async.commit_group; " +
            "cp.async.ca.shared.global [%t7+8], [%w7], 8; cp.async.commit_group; cp.async.wait_group 1; ld.shared.b64 %d, [%t7]; " +
                "cp.async.wait_group 0;",
            "b64", "b64", (a, _, _) => a);
    }

    /// <summary>Lane r stores row r, {a, b, a, b}, of 32 rows of 16 bytes.</summary>
    private static OpcodeCase Matrix(string load, Func<int, int, ulong[], ulong[], ulong> half) =>
        new(load, "{ " + Mine + "st.shared.v4.b32 [%t7], {%a, %b, %a, %b}; bar.warp.sync -1; " + load + " }", "b32", ["b32", "b32"], null)
        {
            ByLane = (l, a, b) => half(l, 0, a, b) | half(l, 1, a, b) << 16,
        };

    private static ulong Element(ulong[] a, ulong[] b, int row, int column) =>
        ((column / 2 % 2 == 0 ? a : b)[row] >> 16 * (column % 2)) & 0xFFFF;

    private static IEnumerable<OpcodeCase> Matrices()
    {
        yield return Matrix("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%d}, [%t7];", (l, e, a, b) => Element(a, b, l / 4, 2 * (l % 4) + e));
        yield return Matrix("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%d}, [%t7];", (l, e, a, b) =>
            Element(a, b, 2 * (l % 4) + e, l / 4));
        yield return Matrix("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%t0, %d}, [%t7];", (l, e, a, b) =>
            Element(a, b, 8 + l / 4, 2 * (l % 4) + e));
        yield return Matrix("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%t0, %d}, [%t7];", (l, e, a, b) =>
            Element(a, b, 8 + 2 * (l % 4) + e, l / 4));
        yield return Matrix("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%t0, %t1, %t2, %d}, [%t7];", (l, e, a, b) =>
            Element(a, b, 24 + l / 4, 2 * (l % 4) + e));
        yield return Matrix("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%t0, %t1, %d, %t2}, [%t7];",
            (l, e, a, b) => Element(a, b, 16 + 2 * (l % 4) + e, l / 4));
    }

    private static OpcodeCase Lanes(string body, Func<int, ulong[], ulong[], ulong> byLane, string inputs = "b32 b32",
        string result = "b32") =>
        new(body, body, result, inputs.Split(' '), null) { ByLane = byLane };

    /// <summary>The shuffles of CUDA C++ by width, as the programming guide words them, and the operand c that they compile to.</summary>
    private static IEnumerable<OpcodeCase> Shuffles()
    {
        foreach (int width in (int[])[4, 8, 16, 32])
        {
            int segments = 32 - width << 8;
            yield return Lanes($"shfl.sync.down.b32 %d, %a, 3, {segments | 31}, -1;", (l, a, _) => a[l % width + 3 < width ? l + 3 : l]);
            yield return Lanes($"shfl.sync.up.b32 %d, %a, 2, {segments}, -1;", (l, a, _) => a[l % width >= 2 ? l - 2 : l]);
            yield return Lanes($"shfl.sync.bfly.b32 %d, %a, 2, {segments | 31}, -1;", (l, a, _) => a[l ^ 2]);
            yield return Lanes($"shfl.sync.idx.b32 %d, %a, 5, {segments | 31}, -1;", (l, a, _) => a[l / width * width + 5 % width]);
            yield return Lanes($"shfl.sync.idx.b32 %d|%p, %a, %b, {segments | 31}, -1; @!%p mov.b32 %d, 0;",
                (l, a, b) => a[l / width * width + (int)(b[l] % (ulong)width)]);
        }
        yield return Lanes("shfl.sync.down.b32 %d|%p, %a, 20, 31, -1; selp.b32 %d, 1, 0, %p;", (l, _, _) => l + 20 < 32 ? 1UL : 0);
        yield return Lanes("shfl.sync.up.b32 %d|%p, %a, 31, 0, -1; selp.b32 %d, 1, 0, %p;", (l, _, _) => l == 31 ? 1UL : 0);
        yield return Lanes("setp.lt.u32 %p, %lane, 8; mov.b32 %d, 0; @%p shfl.sync.idx.b32 %d, %a, 7, 31, 255;", (l, a, _) => l < 8 ? a[7]
            : 0);
    }

    private static ulong Ballot(Func<int, bool> holds) => (ulong)Enumerable.Range(0, 32).Sum(l => holds(l) ? 1L << l : 0);

    private static IEnumerable<OpcodeCase> Votes()
    {
        yield return Lanes("setp.lt.s32 %p, %a, 0; vote.sync.ballot.b32 %d, %p, -1;", (_, a, _) => Ballot(l => (int)a[l] < 0));
        yield return Lanes("setp.lt.s32 %p, %a, 0; vote.sync.ballot.b32 %d, !%p, -1;", (_, a, _) => Ballot(l => (int)a[l] >= 0));
        yield return Lanes("setp.eq.s32 %p, %a, 7; vote.sync.any.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", (_, a, _) => a.Contains(7UL)
            ? 1UL : 0);
        yield return Lanes("setp.ne.s32 %p, %a, 8; vote.sync.all.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", (_, a, _) => a.Contains(8UL)
            ? 0UL : 1);
        yield return Lanes("setp.lt.u32 %p, %lane, 32; vote.sync.uni.pred %q, %p, -1; selp.b32 %d, 1, 0, %q;", (_, _, _) => 1);
        yield return Lanes("setp.lt.u32 %p, %lane, 12; mov.b32 %d, 0; @%p activemask.b32 %d;", (l, _, _) => l < 12 ? 0xFFFUL : 0);
        yield return Lanes("and.b32 %t0, %a, 3; match.any.sync.b32 %d, %t0, -1;", (l, a, _) => Ballot(k => (a[k] & 3) == (a[l] & 3)));
        yield return Lanes("cvt.u64.u32 %w0, %a; shl.b64 %w0, %w0, 40; match.any.sync.b64 %d, %w0, -1;",
            (l, a, _) => Ballot(k => (a[k] & 0xFFFFFF) == (a[l] & 0xFFFFFF)));
        yield return Lanes("mov.b64 %w0, 77; match.all.sync.b64 %d|%p, %w0, -1; @!%p mov.b32 %d, 1;", (_, _, _) => uint.MaxValue);
        yield return Lanes("setp.eq.u32 %p, %lane, 3; selp.u32 %t0, 1, 2, %p; match.all.sync.b32 %d|%q, %t0, -1; @%q mov.b32 %d, 5;",
            (_, _, _) => 0);
        foreach ((string op, Func<ulong, ulong, ulong> f) in new (string, Func<ulong, ulong, ulong>)[]
        {
            ("add.s32", (x, y) => (uint)(x + y)), ("min.s32", (x, y) => (int)x < (int)y ? x : y),
                ("max.s32", (x, y) => (int)x > (int)y ? x : y),
            ("min.u32", Math.Min), ("max.u32", Math.Max), ("and.b32", (x, y) => x & y), ("or.b32", (x, y) => x | y),
                ("xor.b32", (x, y) => x ^ y),
        })
            yield return Lanes($"redux.sync.{op} %d, %a, -1;", (_, a, _) => a.Aggregate(f));
        yield return Lanes("setp.ge.u32 %p, %lane, 16; mov.b32 %d, 0; @%p redux.sync.add.u32 %d, %lane, 0xFFFF0000;", (l, _, _) => l < 16
            ? 0UL : 376);
        yield return Lanes("setp.lt.s32 %p, %a, 0; bar.red.and.pred %q, 1, %p; selp.b32 %d, 1, 0, %q;", (_, _, _) => 0);
        yield return Lanes("setp.lt.s32 %p, %a, 0; bar.red.or.pred %q, 2, 32, %p; selp.b32 %d, 1, 0, %q;", (_, _, _) => 1);
        yield return Lanes("setp.lt.s32 %p, %a, 0; barrier.cta.red.popc.aligned.u32 %d, 3, 32, %p;", (_, a, _) =>
            (ulong)a.Count(v => (int)v < 0));
    }

    private static IEnumerable<OpcodeCase> Order()
    {
        string[] fences =
        [
            "bar.sync 0;", "bar.sync 5, 32;", "barrier.sync 4;", "barrier.cta.sync.aligned 15, 32;", "bar.arrive 6, 64;",
                "bar.warp.sync 0xffffffff;",
            "membar.cta;", "membar.gl;", "membar.sys;", "fence.acq_rel.gpu;", "fence.sc.cta;", "nanosleep.u32 100;",
                "cp.async.commit_group;",
            "cp.async.wait_all;",
        ];
        foreach (string fence in fences) yield return Body($"{fence} add.u32 %d, %a, 1;", "u32", "u32", (a, _, _) => a + 1);
        foreach (string clock in (string[])["%clock", "%clock64", "%globaltimer"])
        {
            (string type, string x, string y) = clock == "%clock" ? ("u32", "%t0", "%t1") : ("u64", "%w0", "%w1");
            yield return Body($"mov.{type} {x}, {clock}; add.u32 %d, %a, 0; mov.{type} {y}, {clock}; setp.gt.{type} %p, {y}, {x}; " +
                $"selp.u32 %d, 1, 0, %p;",
                "u32", "u32", (_, _, _) => 1);
        }
    }

    private static IEnumerable<OpcodeCase> Machine() => Loads().Concat(Stores()).Concat(Atomics()).Concat(Copies()).Concat(Matrices())
        .Concat(Shuffles()).Concat(Votes()).Concat(Order()).Concat(Specials());

    private static IEnumerable<OpcodeCase> Specials()
    {
        (string Register, Func<int, ulong> Value)[] registers =
        [
            ("%tid.y", _ => 0), ("%ntid.x", _ => 32), ("%ntid.z", _ => 1), ("%ctaid.x", _ => 0), ("%nctaid.y", _ => 1),
                ("%laneid", l => (ulong)l),
            ("%warpid", _ => 0), ("%lanemask_eq", l => 1UL << l), ("%lanemask_lt", l => (1UL << l) - 1),
                ("%lanemask_le", l => (2UL << l) - 1),
            ("%lanemask_gt", l => Ballot(k => k > l)), ("%lanemask_ge", l => Ballot(k => k >= l)), ("%dynamic_smem_size", _ => 0),
            ("WARP_SZ", _ => 32),
        ];
        foreach ((string register, Func<int, ulong> value) in registers) yield return Lanes($"mov.u32 %d, {register};", (l, _, _) =>
            value(l));
    }
}
