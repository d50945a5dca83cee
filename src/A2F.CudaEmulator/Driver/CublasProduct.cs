using System.Numerics;
using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Driver;

/// <summary>Column-major matrices in device memory.</summary>
/// <param name="Address">Of the first.</param>
/// <param name="Leading">Elements from a column to the next.</param>
/// <param name="Stride">Elements from a matrix to the next.</param>
/// <param name="Narrow">Whether elements are fp16, else fp32.</param>
internal readonly record struct CublasMatrix(ulong Address, int Leading, long Stride, bool Narrow)
{
    private int ElementBytes => Narrow ? 2 : 4;

    private ulong Column(int matrix, int column) => Address + (ulong)((matrix * Stride + (long)column * Leading) * ElementBytes);

    /// <summary>The bytes of an allocation that matrices of this many rows and columns take, without the gaps between columns.</summary>
    public Ranges Bytes(Allocation memory, int rows, int columns, int count)
    {
        List<(long From, long To)> all = [];
        for (int matrix = 0; matrix < count; matrix++)
            for (int column = 0; column < columns; column++)
            {
                long from = (long)(Column(matrix, column) - memory.Base);
                all.Add((from, from + (long)rows * ElementBytes));
            }
        all.Sort();
        Ranges ranges = new();
        long end = 0;
        foreach ((long from, long to) in all)
        {
            // Matrices of a batch may overlap.
            ranges.Add(Math.Max(from, end), to);
            end = Math.Max(end, to);
        }
        return ranges;
    }

    /// <summary>Reads a column through the device's checks.</summary>
    public void Read(EmulatedDevice device, int matrix, int column, Span<float> values)
    {
        if (!Narrow)
        {
            device.Read(Column(matrix, column), MemoryMarshal.AsBytes(values));
            return;
        }
        Half[] halves = new Half[values.Length];
        device.Read(Column(matrix, column), MemoryMarshal.AsBytes(halves.AsSpan()));
        for (int i = 0; i < halves.Length; i++) values[i] = (float)halves[i];
    }

    /// <summary>Writes a column, rounded to nearest where it is narrow.</summary>
    public void Write(EmulatedDevice device, int matrix, int column, ReadOnlySpan<float> values)
    {
        if (!Narrow)
        {
            device.Write(Column(matrix, column), MemoryMarshal.AsBytes(values));
            return;
        }
        Half[] halves = new Half[values.Length];
        for (int i = 0; i < halves.Length; i++) halves[i] = (Half)values[i];
        device.Write(Column(matrix, column), MemoryMarshal.AsBytes(halves.AsSpan()));
    }
}

/// <summary>
/// C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C, for each matrix of a batch. Each element is one fp32 sum in the order of k; C is
/// read only where beta is not 0.
/// </summary>
internal sealed class CublasProduct(
    string call, int m, int n, int k, float alpha, float beta, CublasMatrix a, bool turnedA, CublasMatrix b, bool turnedB, CublasMatrix c,
    int count) : Operation(WorkKind.Kernel, $"{call} of [{m}, {k}] and [{k}, {n}]")
{
    internal override IEnumerable<object> Uses(Context context)
    {
        foreach (CublasMatrix matrix in (CublasMatrix[])[a, b, c])
            if (Machine.Device(context.Device).Heap.Find(matrix.Address) is { Live: true } found) yield return found;
    }

    internal override void Run(Work work)
    {
        try
        {
            for (int i = 0; i < count; i++) One(Machine.Device(work.Context.Device), i);
        }
        catch (EmulatorException e)
        {
            throw new EmulatorException(e.Kind, $"{e.Kind} in {Name}: {e.Message}") { Address = e.Address };
        }
    }

    internal override IEnumerable<Touch> Touches(Work work)
    {
        DeviceHeap heap = Machine.Device(work.Context.Device).Heap;
        Allocation result = heap.Find(c.Address)!;
        Ranges written = c.Bytes(result, m, n, count);
        yield return new Touch(result, beta != 0 ? written : Ranges.None, written);
        if (k == 0) yield break;
        Allocation left = heap.Find(a.Address)!, right = heap.Find(b.Address)!;
        yield return new Touch(left, a.Bytes(left, turnedA ? k : m, turnedA ? m : k, count), Ranges.None);
        yield return new Touch(right, b.Bytes(right, turnedB ? n : k, turnedB ? k : n, count), Ranges.None);
    }

    private void One(EmulatedDevice device, int matrix)
    {
        // op(A) by columns and op(B) by columns: a step of k multiplies one of the former by a single element of the latter.
        float[] left = Gather(device, a, matrix, turnedA, m, k), right = Gather(device, b, matrix, turnedB, k, n);
        float[] sums = new float[m], old = new float[m];
        for (int column = 0; column < n; column++)
        {
            Array.Clear(sums);
            for (int step = 0; step < k; step++) AddScaled(sums, left.AsSpan(step * m, m), right[column * k + step]);
            if (beta != 0) c.Read(device, matrix, column, old);
            for (int row = 0; row < m; row++) sums[row] = beta != 0 ? alpha * sums[row] + beta * old[row] : alpha * sums[row];
            c.Write(device, matrix, column, sums);
        }
    }

    /// <summary>op(matrix) [rows, columns] without gaps, by columns.</summary>
    private static float[] Gather(EmulatedDevice device, CublasMatrix from, int matrix, bool turned, int rows, int columns)
    {
        float[] all = new float[rows * columns];
        if (!turned)
        {
            for (int c = 0; c < columns && rows > 0; c++) from.Read(device, matrix, c, all.AsSpan(c * rows, rows));
            return all;
        }
        float[] line = new float[columns];
        for (int r = 0; r < rows && columns > 0; r++)
        {
            from.Read(device, matrix, r, line);
            for (int c = 0; c < columns; c++) all[c * rows + r] = line[c];
        }
        return all;
    }

    private static void AddScaled(Span<float> sums, ReadOnlySpan<float> values, float factor)
    {
        int i = 0;
        Vector<float> factors = new(factor);
        for (; i <= sums.Length - Vector<float>.Count; i += Vector<float>.Count)
            Vector.FusedMultiplyAdd(new Vector<float>(values[i..]), factors, new Vector<float>(sums[i..])).CopyTo(sums[i..]);
        for (; i < sums.Length; i++) sums[i] = MathF.FusedMultiplyAdd(values[i], factor, sums[i]);
    }
}
