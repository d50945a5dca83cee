namespace A2F.Engine.Native.Abi;

/// <summary>What functions return beside the numbers of <see cref="A2FErrorCode"/>; the enum in a2f.h has the same.</summary>
internal static class AbiCode
{
    /// <summary>A2F_NO_FRAME.</summary>
    public const int NoFrame = -1;

    /// <summary>A2F_OK.</summary>
    public const int Ok = 0;

    /// <summary>A2F_ERROR_BAD_HANDLE.</summary>
    public const int BadHandle = 100;

    /// <summary>A2F_ERROR_STRUCT_SIZE.</summary>
    public const int StructSize = 101;

    /// <summary>A2F_ERROR_BUFFER_TOO_SMALL.</summary>
    public const int BufferTooSmall = 102;

    /// <summary>The name of a code in a2f.h, with its zero byte.</summary>
    public static ReadOnlySpan<byte> NameOf(int code) => code switch
    {
        NoFrame => "A2F_NO_FRAME\0"u8,
        Ok => "A2F_OK\0"u8,
        (int)A2FErrorCode.InvalidArgument => "A2F_ERROR_INVALID_ARGUMENT\0"u8,
        (int)A2FErrorCode.FileNotFound => "A2F_ERROR_FILE_NOT_FOUND\0"u8,
        (int)A2FErrorCode.InvalidFile => "A2F_ERROR_INVALID_FILE\0"u8,
        (int)A2FErrorCode.InvalidModel => "A2F_ERROR_INVALID_MODEL\0"u8,
        (int)A2FErrorCode.OutOfRange => "A2F_ERROR_OUT_OF_RANGE\0"u8,
        (int)A2FErrorCode.NotFinite => "A2F_ERROR_NOT_FINITE\0"u8,
        (int)A2FErrorCode.DeviceUnavailable => "A2F_ERROR_DEVICE_UNAVAILABLE\0"u8,
        (int)A2FErrorCode.OutOfMemory => "A2F_ERROR_OUT_OF_MEMORY\0"u8,
        (int)A2FErrorCode.Io => "A2F_ERROR_IO\0"u8,
        (int)A2FErrorCode.Internal => "A2F_ERROR_INTERNAL\0"u8,
        BadHandle => "A2F_ERROR_BAD_HANDLE\0"u8,
        StructSize => "A2F_ERROR_STRUCT_SIZE\0"u8,
        BufferTooSmall => "A2F_ERROR_BUFFER_TOO_SMALL\0"u8,
        _ => "A2F_ERROR_UNKNOWN\0"u8,
    };
}
