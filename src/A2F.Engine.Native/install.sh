#!/usr/bin/env bash
# Builds the C library and installs it with its header, a2f.pc for pkg-config and a package for CMake:
#
#   src/A2F.Engine.Native/install.sh PREFIX [--rid RID] [--published DIR]
#
# --rid is what to build for (by default this machine), --published takes a library that "dotnet publish" has put into a folder before.
set -eu
project=$(cd "$(dirname "$0")" && pwd)
case $(uname -m) in
    aarch64 | arm64) rid=linux-arm64 ;;
    *) rid=linux-x64 ;;
esac
prefix="" published=""
while [ $# -gt 0 ]; do
    case $1 in
        --rid | --published)
            [ $# -ge 2 ] || { echo "error: $1 needs a value" >&2; exit 2; }
            if [ "$1" = --rid ]; then rid=$2; else published=$2; fi
            shift 2
            ;;
        -*)
            echo "error: unknown option '$1'; usage: install.sh PREFIX [--rid RID] [--published DIR]" >&2
            exit 2
            ;;
        *) prefix=$1 && shift ;;
    esac
done
[ -n "$prefix" ] || { echo "error: no PREFIX; usage: install.sh PREFIX [--rid RID] [--published DIR]" >&2; exit 2; }
case $rid in
    linux-*) library=liba2f.so ;;
    *) echo "error: install.sh installs for Linux, not for '$rid'; see docs/c-api.md" >&2; exit 2 ;;
esac
if [ -z "$published" ]; then
    published=$project/../../artifacts/native
    dotnet publish "$project" -c Release -r "$rid" -o "$published"
fi
[ -f "$published/$library" ] || { echo "error: $published holds no $library" >&2; exit 1; }

mkdir -p "$prefix/lib/pkgconfig" "$prefix/lib/cmake/a2f" "$prefix/include"
prefix=$(cd "$prefix" && pwd)
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$project/../../Directory.Build.props")
cp "$published/$library" "$prefix/lib/"
cp "$project/include/a2f.h" "$prefix/include/"
sed "s|@VERSION@|$version|g; s|@PREFIX@|$prefix|g" "$project/package/a2f.pc.in" >"$prefix/lib/pkgconfig/a2f.pc"
cp "$project/package/a2fConfig.cmake" "$prefix/lib/cmake/a2f/"
sed "s|@VERSION@|$version|g" "$project/package/a2fConfigVersion.cmake.in" >"$prefix/lib/cmake/a2f/a2fConfigVersion.cmake"
echo "installed a2f $version into $prefix"
