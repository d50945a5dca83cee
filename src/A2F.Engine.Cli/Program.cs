using System.Runtime.InteropServices;
using A2F.Engine.Cli;

using CancellationTokenSource interrupted = new();

// The first Ctrl-C lets the command clean up; a second one ends the process at once.
void Interrupt(PosixSignalContext context)
{
    context.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}

using PosixSignalRegistration onInterrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using PosixSignalRegistration onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
return CommandLine.Run(args, Console.Out, Console.Error, interactive: !Console.IsErrorRedirected, interrupted.Token);
