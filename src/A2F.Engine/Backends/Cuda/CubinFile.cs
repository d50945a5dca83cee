using System.Buffers.Binary;
using System.Text;

namespace A2F.Engine.Backends.Cuda;

/// <summary>What a cubin, a 64-bit little-endian ELF file, says about its kernels.</summary>
internal sealed class CubinFile
{
    private const int HeaderBytes = 64, SectionBytes = 64, SymbolBytes = 24, CudaMachine = 190;
    private const int SectionsAt = 40, SectionCountAt = 60, SectionNamesAt = 62;
    private const string Constants = ".nv.constant", Parameters = ".nv.constant0.", Shared = ".nv.shared.", Info = ".nv.info";

    // Attributes of .nv.info: format byte, attribute byte, then a value of 2 bytes or, in the fourth format, a length and that many bytes.
    private const byte LongFormat = 4, FrameSize = 0x11, Registers = 0x2f, MaxThreads = 0x05;

    private readonly record struct Section(string Name, long Offset, long Size, int Link);

    /// <summary>A kernel's needs.</summary>
    /// <param name="Function">Its name.</param>
    /// <param name="Registers">Registers of a thread.</param>
    /// <param name="FrameBytes">Local memory of a thread: arrays that are not in registers, and spilled registers.</param>
    /// <param name="SharedBytes">Static shared memory of a block, the system's share included.</param>
    /// <param name="ConstantBytes">Parameters and constants.</param>
    /// <param name="MaxThreads">Most threads of a block, from its launch bounds; 0 where it has none.</param>
    internal readonly record struct Kernel(
        string Function, int Registers, int FrameBytes, int SharedBytes, int ConstantBytes, int MaxThreads);

    private readonly byte[] _bytes;
    private readonly Section[] _sections;

    /// <summary>Reads the table of sections.</summary>
    /// <exception cref="A2FException">It is no cubin, or cut short.</exception>
    internal CubinFile(byte[] bytes)
    {
        _bytes = bytes;
        ReadOnlySpan<byte> header = Slice(0, HeaderBytes);
        if (!header.StartsWith("\u007fELF\u0002\u0001"u8) || BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) != CudaMachine)
            throw Broken("expected a 64-bit ELF file for CUDA");
        long table = BinaryPrimitives.ReadInt64LittleEndian(header[SectionsAt..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[SectionCountAt..]);
        int names = BinaryPrimitives.ReadUInt16LittleEndian(header[SectionNamesAt..]);
        if (names >= count) throw Broken("the table of sections has no names");
        Section text = Read(names, "");
        _sections = new Section[count];
        for (int i = 0; i < count; i++)
        {
            int name = BinaryPrimitives.ReadInt32LittleEndian(Slice(table + (long)i * SectionBytes, SectionBytes));
            _sections[i] = Read(i, Text(text, name));
        }

        Section Read(int index, string name)
        {
            ReadOnlySpan<byte> entry = Slice(table + (long)index * SectionBytes, SectionBytes);
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry[24..]), size = BinaryPrimitives.ReadInt64LittleEndian(entry[32..]);
            return new Section(name, offset, size, BinaryPrimitives.ReadInt32LittleEndian(entry[40..]));
        }
    }

    /// <summary>The kernels, by name.</summary>
    /// <exception cref="A2FException">A section is not as expected.</exception>
    internal List<Kernel> Kernels()
    {
        Dictionary<string, int> registers = [], frames = [];
        foreach (Section section in _sections.Where(section => section.Name == Info))
        {
            Section symbols = section.Link > 0 && section.Link < _sections.Length ? _sections[section.Link] : throw Broken("no symbols");
            foreach ((byte attribute, byte[] value) in Attributes(section))
            {
                if (attribute is not (Registers or FrameSize)) continue;
                if (value.Length != 8) throw Broken($"attribute {attribute} has {value.Length} bytes, expected 8");
                string name = Symbol(symbols, BinaryPrimitives.ReadInt32LittleEndian(value));
                (attribute == Registers ? registers : frames)[name] = BinaryPrimitives.ReadInt32LittleEndian(value.AsSpan(4));
            }
        }
        return
        [
            .. _sections.Where(section => section.Name.StartsWith(Parameters, StringComparison.Ordinal))
                .Select(section => section.Name[Parameters.Length..])
                .Order(StringComparer.Ordinal)
                .Select(name => new Kernel(name,
                    registers.TryGetValue(name, out int count) ? count : throw Broken($"the registers of {name} are missing"),
                    frames.GetValueOrDefault(name), (int)SizeOf(Shared + name), ConstantsOf(name), MaxThreadsOf(name))),
        ];
    }

    private long SizeOf(string section) => _sections.FirstOrDefault(s => s.Name == section).Size;

    // Banks: .nv.constant0.NAME holds the parameters, others literals.
    private int ConstantsOf(string kernel) => (int)_sections
        .Where(s => s.Name.StartsWith(Constants, StringComparison.Ordinal)
            && s.Name.AsSpan(Constants.Length + 1).SequenceEqual("." + kernel))
        .Sum(s => s.Size);

    private int MaxThreadsOf(string kernel)
    {
        Section section = _sections.FirstOrDefault(s => s.Name == $"{Info}.{kernel}");
        if (section.Size == 0) return 0;
        byte[]? bounds = Attributes(section).FirstOrDefault(a => a.Attribute == MaxThreads && a.Value.Length == 12).Value;
        if (bounds is null) return 0;
        return BinaryPrimitives.ReadInt32LittleEndian(bounds) * BinaryPrimitives.ReadInt32LittleEndian(bounds.AsSpan(4)) *
            BinaryPrimitives.ReadInt32LittleEndian(bounds.AsSpan(8));
    }

    private List<(byte Attribute, byte[] Value)> Attributes(Section section)
    {
        List<(byte, byte[])> attributes = [];
        ReadOnlySpan<byte> rest = Slice(section.Offset, section.Size);
        while (rest.Length >= 4)
        {
            int size = rest[0] == LongFormat ? BinaryPrimitives.ReadUInt16LittleEndian(rest[2..]) : 0;
            if (size > rest.Length - 4) throw Broken($"an attribute in {section.Name} is cut short");
            attributes.Add((rest[1], size > 0 ? rest.Slice(4, size).ToArray() : rest.Slice(2, 2).ToArray()));
            rest = rest[(4 + size)..];
        }
        return attributes;
    }

    private string Symbol(Section symbols, int index)
    {
        if (symbols.Link < 0 || symbols.Link >= _sections.Length) throw Broken("the table of symbols has no names");
        return Text(_sections[symbols.Link], BinaryPrimitives.ReadInt32LittleEndian(Slice(symbols.Offset + (long)index * SymbolBytes, 4)));
    }

    private string Text(Section strings, int offset)
    {
        ReadOnlySpan<byte> all = Slice(strings.Offset, strings.Size);
        if (offset < 0 || offset >= all.Length) throw Broken("a name lies outside its section");
        int length = all[offset..].IndexOf((byte)0);
        return Encoding.UTF8.GetString(all.Slice(offset, length < 0 ? throw Broken("a name has no end") : length));
    }

    private ReadOnlySpan<byte> Slice(long offset, long size)
    {
        if (offset < 0 || size < 0 || offset > _bytes.Length || size > _bytes.Length - offset) throw Broken("it is cut short");
        return _bytes.AsSpan((int)offset, (int)size);
    }

    private static A2FException Broken(string what) => new(A2FErrorCode.InvalidFile, $"cubin: {what}");
}
