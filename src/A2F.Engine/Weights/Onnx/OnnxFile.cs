using System.Buffers;
using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf;

namespace A2F.Engine.Weights.Onnx;

/// <summary>
/// Reads an ONNX file into its parsed form, with the size of what the parser may build bounded beforehand. The file is mapped while it is
/// parsed, so that its bytes are in memory once, in the parsed tensors; it must not be changed or cut short meanwhile.
/// </summary>
internal static class OnnxFile
{
    public static ModelProto Read(string path)
    {
        using MappedFile file = MappedFile.Open(path, minimumLength: 1);
        if (file.Length > Array.MaxLength)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{path}: {file.Length} bytes; ONNX files above {Array.MaxLength} bytes are not supported");
        }
        WireScan.Check(file.Bytes(0, (int)file.Length), path);
        try
        {
            return ModelProto.Parser.WithDiscardUnknownFields(true)
                .ParseFrom(new ReadOnlySequence<byte>(file.View<byte>(0, (int)file.Length)));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new A2FException(A2FErrorCode.InvalidFile, $"{path}: not a readable ONNX file (protocol buffer): {e.Message}", e);
        }
    }
}
