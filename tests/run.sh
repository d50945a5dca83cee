#!/usr/bin/env bash
# Installs what the tests need, runs them all, and ends with one line: "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/.."

if ! command -v dotnet >/dev/null; then
    echo "The .NET SDK 10 is missing; trying the package dotnet-sdk-10.0."
    as_root=""; [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq && $as_root apt-get install -y -qq dotnet-sdk-10.0 || {
        echo "Could not install it. Install the .NET SDK 10 by hand, see README.md." >&2
        exit 1
    }
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# What kernel tests need; where it cannot be had they are skipped, unless A2F_REQUIRE_NVRTC=1.
bash tests/get-cuda-libraries.sh

# What tests of the C library need; where it cannot be had they are skipped, unless A2F_REQUIRE_NVRTC=1.
missing=""
for tool in clang gcc g++ cmake pkg-config valgrind; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -e /usr/include/zlib.h ] || missing="$missing zlib1g-dev"
if [ -n "$missing" ]; then
    echo "Installing$missing."
    as_root=""; [ "$(id -u)" = 0 ] || as_root="sudo -n"
    # shellcheck disable=SC2086
    { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing libc6-dev; } >/dev/null ||
        echo "Could not install$missing: tests of the C library will be skipped, or fail where A2F_REQUIRE_NVRTC=1." >&2
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
dotnet build -c Release A2F.Engine.sln || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
# The library that these tests look into; they publish it themselves where this was left out.
if command -v clang >/dev/null && [ -e /usr/include/zlib.h ]; then
    case $(uname -m) in aarch64 | arm64) rid=linux-arm64 ;; *) rid=linux-x64 ;; esac
    dotnet publish src/A2F.Engine.Native -c Release -r "$rid" -o artifacts/native -v quiet || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
fi
dotnet test -c Release --no-build A2F.Engine.sln --results-directory "$results" --logger "trx" --logger "console;verbosity=minimal" "$@"
status=$?

# Sums <Counters total= executed= passed= failed= .../> of every result file; total - passed - failed is skipped.
read -r passed failed skipped < <(
    grep -ho '<Counters [^>]*>' "$results"/*.trx 2>/dev/null |
        awk '{ for (i = 1; i <= NF; i++) if (split($i, kv, "=\"") == 2) { sub(/".*/, "", kv[2]); n[kv[1]] += kv[2] } }
             END { print n["passed"] + 0, n["executed"] - n["passed"], n["total"] - n["executed"] }'
)
[ "${passed:-0}" -gt 0 ] || failed=$((${failed:-0} + 1))
echo "${passed:-0} passed, ${failed:-0} failed, ${skipped:-0} skipped"
[ "$status" = 0 ] && [ "${failed:-0}" = 0 ]
