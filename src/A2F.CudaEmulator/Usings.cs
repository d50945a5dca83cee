global using unsafe Handler = delegate*<A2F.CudaEmulator.Execution.Warp, A2F.CudaEmulator.Execution.Instruction*, void>;

// Handlers fill what they allocate on the stack; clearing it first would cost as much as the work.
[module: System.Runtime.CompilerServices.SkipLocalsInit]
