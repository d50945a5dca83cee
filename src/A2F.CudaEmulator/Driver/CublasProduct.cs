using System.Numerics;

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
internal sealed record CublasProduct(
    string Name, int M, int N, int K, float Alpha, float Beta, CublasMatrix A, bool TurnedA, CublasMatrix B, bool TurnedB,
    CublasMatrix C, int Count)
{
    public void Run(EmulatedDevice device)
    {
        try
        {
            for (int i = 0; i < Count; i++) One(device, i);
        }
        catch (EmulatorException e)
        {
            throw new EmulatorException(e.Kind, $"{e.Kind} in {Name}: {e.Message}") { Address = e.Address };
        }
    }

    private void One(EmulatedDevice device, int matrix)
    {
        // op(A) by columns and op(B) by columns: a step of k multiplies one of the former by a single element of the latter.
        float[] a = Gather(device, A, matrix, TurnedA, M, K), b = Gather(device, B, matrix, TurnedB, K, N);
        float[] sums = new float[M], old = new float[M];
        for (int column = 0; column < N; column++)
        {
            Array.Clear(sums);
            for (int k = 0; k < K; k++) AddScaled(sums, a.AsSpan(k * M, M), b[column * K + k]);
            if (Beta != 0) C.Read(device, matrix, column, old);
            for (int row = 0; row < M; row++) sums[row] = Beta != 0 ? Alpha * sums[row] + Beta * old[row] : Alpha * sums[row];
            C.Write(device, matrix, column, sums);
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
