namespace A2F.CudaEmulator.Execution;

/// <summary>Reads and writes one lane of a column: 8 bytes a lane for 64-bit values, else 4, small values zero-extended.</summary>
internal static unsafe class Lanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(byte* column, int lane) where T : unmanaged => *(T*)(column + lane * (sizeof(T) == 8 ? 8 : 4));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(byte* column, int lane, T value) where T : unmanaged
    {
        if (sizeof(T) >= 4) *(T*)(column + lane * sizeof(T)) = value;
        else *(uint*)(column + lane * 4) = sizeof(T) == 2 ? Unsafe.BitCast<T, ushort>(value) : Unsafe.BitCast<T, byte>(value);
    }
}

internal interface IUnary<TA, TR>
{
    static abstract TR Do(TA a);
}

internal interface IBinary<TA, TB, TR>
{
    static abstract TR Do(TA a, TB b);
}

internal interface ITernary<TA, TB, TC, TR>
{
    static abstract TR Do(TA a, TB b, TC c);
}

/// <summary>Handlers that call an operation for each active lane.</summary>
internal static unsafe class Scalar
{
    public static void Unary<TOp, TA, TR>(Warp w, Instruction* i)
        where TOp : IUnary<TA, TR> where TA : unmanaged where TR : unmanaged
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            Lanes.Set(r + i->D, l, TOp.Do(Lanes.Get<TA>(r + i->A, l)));
        }
    }

    public static void Binary<TOp, TA, TB, TR>(Warp w, Instruction* i)
        where TOp : IBinary<TA, TB, TR> where TA : unmanaged where TB : unmanaged where TR : unmanaged
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            Lanes.Set(r + i->D, l, TOp.Do(Lanes.Get<TA>(r + i->A, l), Lanes.Get<TB>(r + i->B, l)));
        }
    }

    public static void Ternary<TOp, TA, TB, TC, TR>(Warp w, Instruction* i)
        where TOp : ITernary<TA, TB, TC, TR> where TA : unmanaged where TB : unmanaged where TC : unmanaged where TR : unmanaged
    {
        byte* r = w.Registers;
        for (uint m = w.Mask; m != 0; m &= m - 1)
        {
            int l = System.Numerics.BitOperations.TrailingZeroCount(m);
            Lanes.Set(r + i->D, l, TOp.Do(Lanes.Get<TA>(r + i->A, l), Lanes.Get<TB>(r + i->B, l), Lanes.Get<TC>(r + i->C, l)));
        }
    }
}
