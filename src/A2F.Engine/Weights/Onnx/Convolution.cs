namespace A2F.Engine.Weights.Onnx;

/// <summary>Attributes of a Conv node, checked: no dilation, no automatic padding.</summary>
internal sealed record Convolution(int[] Kernel, int[] Strides, int[] Begin, int[] End, int Group)
{
    private const int MaxExtent = 1 << 20;

    public static Convolution Of(OnnxGraph graph, OnnxNode node)
    {
        int[] weight = graph.Shape(node.Input(1));
        int axes = weight.Length - 2;
        if (axes < 1) throw graph.Mismatch(node, "a weight of 3 or more dimensions", NdArray.FormatShape(weight));
        int[] strides = List(graph, node, "strides", axes, 1);
        int[] pads = List(graph, node, "pads", axes * 2, 0);
        if (List(graph, node, "dilations", axes, 1).Any(d => d != 1)) throw graph.Mismatch(node, "dilations of 1", "others");
        if (node.Ints("kernel_shape") is { Length: > 0 } && !Shapes.Same(List(graph, node, "kernel_shape", axes, 0), weight.AsSpan(2)))
        {
            throw graph.Mismatch(node, $"a kernel_shape as its weight's {NdArray.FormatShape(weight)}", "another");
        }
        if (node.Text("auto_pad", "NOTSET") is not ("NOTSET" or "")) throw graph.Mismatch(node, "explicit padding", "auto_pad");
        long group = node.Int("group", 1);
        if (group < 1 || group > weight[0] || weight[0] % group != 0)
            throw graph.Mismatch(node, $"a group count that divides {weight[0]}", $"{group}");
        if (strides.Any(s => s < 1)) throw graph.Mismatch(node, "strides above 0", NdArray.FormatShape(strides));
        return new Convolution(weight[2..], strides, pads[..axes], pads[axes..], (int)group);
    }

    public static int[] OutputShape(OnnxGraph graph, OnnxNode node)
    {
        int[] x = graph.Shape(node.Input(0));
        int[] weight = graph.Shape(node.Input(1));
        Convolution conv = Of(graph, node);
        if (x.Length != weight.Length || x[1] != weight[1] * (long)conv.Group)
        {
            throw graph.Mismatch(node, $"an input that its weight {NdArray.FormatShape(weight)} in {conv.Group} groups can take",
                NdArray.FormatShape(x));
        }
        var shape = new int[x.Length];
        shape[0] = x[0];
        shape[1] = weight[0];
        for (int i = 0; i < conv.Kernel.Length; i++)
        {
            long room = (long)x[i + 2] + conv.Begin[i] + conv.End[i] - conv.Kernel[i];
            if (conv.Kernel[i] < 1 || room < 0)
            {
                throw graph.Mismatch(node, $"an input at least as long as its kernel {NdArray.FormatShape(conv.Kernel)}",
                    NdArray.FormatShape(x));
            }
            shape[i + 2] = (int)(room / conv.Strides[i]) + 1;
        }
        return shape;
    }

    private static int[] List(OnnxGraph graph, OnnxNode node, string name, int count, int otherwise)
    {
        long[]? given = node.Ints(name);
        if (given is null || given.Length == 0)
        {
            int[] list = new int[count];
            Array.Fill(list, otherwise);
            return list;
        }
        if (given.Length != count || given.Any(v => v is < 0 or > MaxExtent))
        {
            throw graph.Mismatch(node, $"{count} {name} from 0 to {MaxExtent}", $"[{string.Join(", ", given.Take(16))}]");
        }
        return Array.ConvertAll(given, v => (int)v);
    }
}
