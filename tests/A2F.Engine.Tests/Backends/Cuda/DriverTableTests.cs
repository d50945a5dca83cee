using System.Reflection;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

public sealed class DriverTableTests
{
    private static readonly string[] OptionalSymbols =
    [
        "cuMemAllocAsync", "cuMemFreeAsync", "cuDeviceGetDefaultMemPool", "cuMemPoolSetAttribute", "cuMemPoolTrimTo", "cublasGetStatusName",
    ];

    public static TheoryData<string> Tables => ["driver", "nvrtc", "cublas"];

    [DriverFact]
    public void The_real_driver_has_every_symbol() => HasEverySymbol("driver", RealCuda.Driver);

    [NvrtcFact]
    public void The_real_NVRTC_has_every_symbol() => HasEverySymbol("nvrtc", RealCuda.Nvrtc);

    [CublasFact]
    public void The_real_cuBLAS_has_every_symbol()
    {
        HasEverySymbol("cublas", RealCuda.Cublas);
        Assert.InRange(new CublasTable(RealCuda.Cublas.Require()).Version!.Major, 11, 13);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Each_field_holds_the_function_of_its_name(string table)
    {
        foreach ((FieldInfo field, string symbol) in Fields(table))
        {
            string plain = symbol.EndsWith("_v2", StringComparison.Ordinal) ? symbol[..^3] : symbol;
            string prefix = table switch { "driver" => "cu", "nvrtc" => "nvrtc", _ => "cublas" };
            Assert.True(plain.Equals(prefix + field.Name, StringComparison.OrdinalIgnoreCase), $"{field.Name} holds {symbol}");
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void A_missing_function_is_named_with_its_library_unless_it_is_optional(string table)
    {
        foreach ((_, string symbol) in Fields(table))
        {
            RecordingSource source = new() { Withheld = symbol };
            if (OptionalSymbols.Contains(symbol))
            {
                object made = Create(table, source);
                if (made is DriverTable driver) Assert.False(driver.HasMemoryPools, symbol);
                continue;
            }
            A2FException error = Assert.Throws<A2FException>(() => Create(table, source));
            Assert.Equal(A2FErrorCode.DeviceUnavailable, error.Code);
            Assert.Contains($"libpretend.so: the function {symbol} is missing", error.Message, StringComparison.Ordinal);
        }
        if (Create(table, new RecordingSource()) is DriverTable whole) Assert.True(whole.HasMemoryPools);
    }

    /// <summary>Function pointers of a table with their symbols: constructors ask in the order of declaration.</summary>
    internal static (FieldInfo Field, string Symbol)[] Fields(string table)
    {
        RecordingSource source = new();
        FieldInfo[] fields =
        [
            .. Create(table, source).GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
                .Where(f => f.FieldType.IsFunctionPointer).OrderBy(f => f.MetadataToken),
        ];
        Assert.Equal(source.Asked.Count, fields.Length);
        return [.. fields.Zip(source.Asked)];
    }

    private static object Create(string table, ISymbolSource source) => table switch
    {
        "driver" => new DriverTable(source),
        "nvrtc" => new NvrtcTable(source),
        _ => new CublasTable(source),
    };

    private static void HasEverySymbol(string table, LibrarySearch search)
    {
        RecordingSource source = new(search.Require());
        Create(table, source);
        Assert.NotEmpty(source.Asked);
        Assert.Equal([], source.Missing);
    }
}
