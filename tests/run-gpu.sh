#!/usr/bin/env bash
# Packs tests, benches and the a2f tool with everything that they need, so that a machine with a GPU needs neither .NET nor a network, and
# runs the pack. Two steps, either alone or both:
#
#   tests/run-gpu.sh --pack DIR          makes the pack; copy DIR to the GPU's machine and run DIR/run.sh there
#   tests/run-gpu.sh [--device DEVICE]   makes it in artifacts/gpu and runs it here
#
# DEVICE is cuda (the default), cuda:N, or emulator[:ARCH]: the emulator in place of the GPU, to try all of this without one.
# Exit codes: 0 all passed, 1 something failed, 2 wrong arguments, 3 no such device here.
set -eu
cd "$(dirname "$0")/.."
pack="" device=""
while [ $# -gt 0 ]; do
    case $1 in
        --pack | --device)
            [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 2; }
            if [ "$1" = --pack ]; then pack=$2; else device=$2; fi
            shift 2
            ;;
        *)
            echo "error: unknown argument '$1'; usage: tests/run-gpu.sh [--pack DIR] [--device cuda[:N]|emulator[:ARCH]]" >&2
            exit 2
            ;;
    esac
done
# Without a folder to pack into the point is to run.
[ -n "$pack" ] || device=${device:-cuda}
pack=${pack:-artifacts/gpu}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# What is there is replaced, if it is a pack.
if [ -e "$pack" ] && [ ! -e "$pack/run.sh" ] && [ -n "$(ls -A "$pack")" ]; then
    echo "error: $pack holds something else than a pack; name an empty folder" >&2
    exit 2
fi
rm -rf "$pack"
mkdir -p "$pack/bin/artifacts"
cp tests/gpu/run.sh "$pack/run.sh"

# NVRTC, but never the fetched driver: only the one that is installed fits a machine's kernel module.
bash tests/get-cuda-libraries.sh
mkdir -p "$pack/bin/artifacts/cuda"
for library in artifacts/cuda/libnvrtc*.so* artifacts/cuda/12; do
    [ -e "$library" ] && cp -a "$library" "$pack/bin/artifacts/cuda/"
done
[ -n "$(ls -A "$pack/bin/artifacts/cuda")" ] || echo "No NVRTC was fetched into artifacts/cuda: the target needs one installed."

# All programs in one folder, so that they share the runtime.
publish() {
    dotnet publish "$1" -c Release -r linux-x64 --self-contained -o "$pack/bin" -v quiet ||
        { echo "error: $1 could not be published" >&2; exit 1; }
}
publish src/A2F.Engine.Cli
# Where there is no such device, that is said before the rest is built.
[ -z "$device" ] || "$pack/run.sh" --device "$device" --check || exit $?
publish bench/A2F.Engine.Bench
publish tests/A2F.Engine.Tests
echo "$pack: $(du -sm "$pack" | cut -f1) MB"
[ -n "$device" ] || exit 0
exec "$pack/run.sh" --device "$device"
