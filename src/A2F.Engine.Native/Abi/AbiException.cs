namespace A2F.Engine.Native.Abi;

/// <summary>What goes wrong at the border with C, with a code of its own or one of <see cref="A2FErrorCode"/>.</summary>
internal sealed class AbiException(int code, string message) : Exception(message)
{
    /// <summary>Creates one with a code that the engine has too.</summary>
    public AbiException(A2FErrorCode code, string message)
        : this((int)code, message)
    {
    }

    /// <summary>What the function returns.</summary>
    public int Code { get; } = code;
}
