global using unsafe Handler = delegate*<A2F.CudaEmulator.Execution.Warp, A2F.CudaEmulator.Execution.Instruction*, void>;
