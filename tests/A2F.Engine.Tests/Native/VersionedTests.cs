using System.Runtime.InteropServices;
using A2F.Engine.Native.Abi;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>Structs of older and newer headers than the library's.</summary>
public sealed unsafe class VersionedTests
{
    // No struct of a2f.h has a second version yet; this one has.
    [StructLayout(LayoutKind.Sequential)]
    private struct Grown : IVersioned<Grown>
    {
        public uint StructSize;
        public int First;
        public long Second;

        public static string Name => "grown";

        public static int FirstSize => 8;

        public static Grown Defaults => new() { First = 1, Second = 2 };
    }

    [Fact]
    public void An_older_struct_gets_defaults_for_what_it_lacks_and_is_written_no_further_than_it_goes()
    {
        Grown* own = stackalloc Grown[1];
        own[0] = new Grown { First = -1, Second = -1 };
        Versioned.Initialize(own, 8);
        Assert.Equal((8u, 1, -1L), (own->StructSize, own->First, own->Second));
        own->First = 7;
        Grown read = Versioned.Read(own);
        Assert.Equal((7, 2L), (read.First, read.Second));
        Versioned.Write(own, new Grown { First = 3, Second = 4 });
        Assert.Equal((8u, 3, -1L), (own->StructSize, own->First, own->Second));
    }

    [Fact]
    public void A_newer_struct_is_taken_as_long_as_what_is_not_known_is_zero()
    {
        Grown* own = stackalloc Grown[2];
        own[1].First = -1;
        Versioned.Initialize(own, 2 * (uint)sizeof(Grown));
        Assert.Equal((32u, 1, 2L, 0), (own->StructSize, own->First, own->Second, own[1].First));
        own->Second = 9;
        Assert.Equal(9, Versioned.Read(own).Second);
        own[1].Second = 1;
        Assert.Equal(AbiCode.StructSize, Assert.Throws<AbiException>(() => Versioned.Read(own)).Code);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(4u)]
    [InlineData(7u)]
    [InlineData(9u)]
    [InlineData(15u)]
    [InlineData(4097u)]
    [InlineData(uint.MaxValue)]
    public void Other_sizes_are_refused_and_nothing_is_written(uint size)
    {
        Grown* own = stackalloc Grown[1];
        own[0] = new Grown { StructSize = size, First = 5 };
        Assert.Equal(AbiCode.StructSize, Assert.Throws<AbiException>(() => Versioned.Read(own)).Code);
        Assert.Equal(AbiCode.StructSize, Assert.Throws<AbiException>(() => Versioned.Write(own, default)).Code);
        Assert.Equal(AbiCode.StructSize, Assert.Throws<AbiException>(() => Versioned.Initialize(own, size)).Code);
        Assert.Equal((size, 5), (own->StructSize, own->First));
    }
}
