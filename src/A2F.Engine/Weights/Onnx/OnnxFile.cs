using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf;

namespace A2F.Engine.Weights.Onnx;

/// <summary>Reads an ONNX file into its parsed form, with the size of what the parser may build bounded beforehand.</summary>
internal static class OnnxFile
{
    public static ModelProto Read(string path)
    {
        byte[] bytes = ReadBytes(path);
        WireScan.Check(bytes, path);
        try
        {
            return ModelProto.Parser.WithDiscardUnknownFields(true).ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: not a readable ONNX file (protocol buffer): {e.Message}", e);
        }
    }

    private static byte[] ReadBytes(string path)
    {
        if (!File.Exists(path)) throw new A2FException(A2FErrorCode.FileNotFound, $"{path}: no such file");
        try
        {
            long length = new FileInfo(path).Length;
            if (length > Array.MaxLength)
            {
                throw new A2FException(A2FErrorCode.OutOfMemory,
                    $"{path}: {length} bytes; ONNX files above {Array.MaxLength} bytes are not supported");
            }
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new A2FException(A2FErrorCode.Io, $"{path}: cannot be read: {e.Message}", e);
        }
    }
}
