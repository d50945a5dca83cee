#!/usr/bin/env bash
# Runs the tests and benches of this pack, which tests/run-gpu.sh made, on a GPU. Needs the display driver, and neither .NET nor a network.
#
#   run.sh [--device DEVICE] [--seconds S] [--check]
#
# DEVICE is cuda (the default), cuda:N, or emulator[:ARCH]: the emulator in place of the GPU. --seconds is the length of each measurement,
# --check ends once it is known whether the device works. Reports go to results/ beside this file. The last line counts tests; a bench that
# fails counts as one failed.
# Exit codes: 0 all passed, 1 something failed, 2 wrong arguments, 3 no such device here.
set -u
cd "$(dirname "$0")"
device=cuda seconds=5 check=0
while [ $# -gt 0 ]; do
    case $1 in
        --device | --seconds)
            [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 2; }
            if [ "$1" = --device ]; then device=$2; else seconds=$2; fi
            shift 2
            ;;
        --check) check=1 && shift ;;
        *)
            echo "error: unknown argument '$1'; usage: run.sh [--device cuda[:N]|emulator[:ARCH]] [--seconds S] [--check]" >&2
            exit 2
            ;;
    esac
done
case $device in
    emulator | emulator:*) doctor=auto batches=1,3 ;; # the emulator needs seconds for what a GPU does in a moment
    *) doctor=$device batches=1,8,64 ;;
esac

# The pack's NVRTC comes first, so that every machine is asked the same; the driver is the machine's own.
unset DOTNET_ROOT
export A2F_CUDA_PATH=$PWD/bin/artifacts/cuda A2F_KERNEL_CACHE=$PWD/results/kernel-cache
mkdir -p results

echo "== a2f doctor"
bin/a2f doctor --device "$doctor"
code=$?
if [ $code = 3 ]; then
    echo "This machine has no usable device '$device', so nothing was run. '--device emulator' tries the pack without a GPU." >&2
fi
[ $code = 0 ] || exit $code
[ $check = 0 ] || exit 0

echo "== tests"
A2F_TEST_DEVICE=$device A2F_REQUIRE_NVRTC=1 bin/A2F.Engine.Tests -trx results/tests.trx | tee results/tests.txt
# The runner's last line: Total: N, Errors: N, Failed: N, Skipped: N, Not Run: N, Time: Ns
read -r total failed skipped < <(
    sed -nE 's/.*Total: ([0-9]+), Errors: ([0-9]+), Failed: ([0-9]+), Skipped: ([0-9]+),.*/\1 \2 \3 \4/p' results/tests.txt |
        tail -n 1 | awk '{ print $1, $2 + $3, $4 }'
)
total=${total:-0} failed=${failed:-0} skipped=${skipped:-0}
passed=$((total - failed - skipped))
[ "$total" -gt 0 ] || { echo "error: the tests did not run to their end" >&2; failed=1; }

bench() {
    bin/A2F.Engine.Bench "$@" || { echo "error: bench $1 failed" >&2; failed=$((failed + 1)); }
}
models=(bin/tests/data/fixtures/{reg,diff,emo}_* bin/weights/default)
for model in "${models[@]}"; do
    echo "== bench gpu $(basename "$model")"
    bench gpu "$model" --device "$device" --batch $batches --seconds "$seconds" --json "results/gpu-$(basename "$model").json"
done
echo "== the emulator's results beside the device's"
bench parity "${models[@]}" --device "$device" >results/parity.txt
cat results/parity.txt

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
