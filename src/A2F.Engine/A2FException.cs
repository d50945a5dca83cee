namespace A2F.Engine;

/// <summary>What went wrong, in a form that programs can branch on. The C ABI returns the same numbers.</summary>
public enum A2FErrorCode
{
    /// <summary>A caller's argument is wrong: a bad name, a bad combination, a wrong shape.</summary>
    InvalidArgument = 1,

    /// <summary>A file or folder does not exist.</summary>
    FileNotFound = 2,

    /// <summary>A file is not what its format promises: corrupt, truncated or of another kind.</summary>
    InvalidFile = 3,

    /// <summary>The files are well formed, but together they are no model this engine can run.</summary>
    InvalidModel = 4,

    /// <summary>A value is a number, but outside the range that its documentation gives.</summary>
    OutOfRange = 5,

    /// <summary>A value is NaN or infinite.</summary>
    NotFinite = 6,

    /// <summary>The requested device, driver or helper program is missing or failed.</summary>
    DeviceUnavailable = 7,

    /// <summary>Memory ran out, or a file asks for more than the documented limits.</summary>
    OutOfMemory = 8,

    /// <summary>The operating system refused a read or a write.</summary>
    Io = 9,

    /// <summary>A defect of this library.</summary>
    Internal = 10,
}

/// <summary>
/// The one exception that this library throws on purpose. The message says what was wrong, where (file, key, tensor),
/// what was expected and what was found.
/// </summary>
public sealed class A2FException : Exception
{
    /// <summary>Creates an exception with a code and a message for the person who reads it.</summary>
    public A2FException(A2FErrorCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    /// <summary>What went wrong, for programs.</summary>
    public A2FErrorCode Code { get; }
}
