namespace A2F.Engine.Backends.Cuda.Driver;

/// <summary>Where the functions of a library come from: a loaded library, or methods of this process that stand in for one.</summary>
internal interface ISymbolSource
{
    /// <summary>Name for messages: a file, or what stands in for it.</summary>
    string Name { get; }

    /// <summary>The address of a function, or 0 where the library does not have it.</summary>
    nint Find(string symbol);
}

/// <summary>Reads the functions of one table, and says by name what is missing.</summary>
internal readonly struct SymbolReader(ISymbolSource source, string needed)
{
    /// <summary>A function that the engine cannot do without.</summary>
    /// <exception cref="A2FException">The library does not have it.</exception>
    internal nint Required(string symbol)
    {
        nint address = source.Find(symbol);
        if (address != 0) return address;
        throw new A2FException(A2FErrorCode.DeviceUnavailable,
            $"{source.Name}: the function {symbol} is missing; the library is too old or broken, {needed} is needed");
    }

    /// <summary>A function that newer libraries have; 0 elsewhere.</summary>
    internal nint Optional(string symbol) => source.Find(symbol);
}
