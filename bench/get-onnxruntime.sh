#!/usr/bin/env bash
# Puts the ONNX Runtime shared library of this machine into artifacts/onnxruntime (ignored by git) and prints its path.
# It is taken from the npm package onnxruntime-node; only `npm pack` is used, so nothing of the package is executed.
set -euo pipefail

version="${ONNXRUNTIME_VERSION:-1.30.0}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
target="$root/artifacts/onnxruntime"

case "$(uname -s)" in
  Linux) os=linux; file=libonnxruntime.so.1 ;;
  Darwin) os=darwin; file=libonnxruntime.1.dylib ;;
  MINGW* | MSYS* | CYGWIN*) os=win32; file=onnxruntime.dll ;;
  *) echo "get-onnxruntime: no library is known for $(uname -s)" >&2; exit 1 ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) echo "get-onnxruntime: no library is known for $(uname -m)" >&2; exit 1 ;;
esac

if [ -s "$target/$file" ] && [ "$(cat "$target/version" 2>/dev/null)" = "$version" ]; then
  echo "$target/$file"
  exit 0
fi
command -v npm >/dev/null || { echo "get-onnxruntime: npm is needed to download the package" >&2; exit 1; }

mkdir -p "$target"
work="$(mktemp -d "$target/download.XXXXXX")"
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "onnxruntime-node@$version" >/dev/null)
# Windows needs DirectML.dll and its kin beside the library, so the whole folder of the platform is taken.
tar -xzf "$work"/onnxruntime-node-*.tgz -C "$work" "package/bin/napi-v6/$os/$arch"
rm -f "$target/version"
cp "$work/package/bin/napi-v6/$os/$arch/$file" "$target/"
cp "$work/package/bin/napi-v6/$os/$arch"/*.dll "$target/" 2>/dev/null || true
echo "$version" > "$target/version"
echo "$target/$file"
