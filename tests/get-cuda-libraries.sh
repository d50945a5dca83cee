#!/usr/bin/env bash
# Brings NVRTC and the CUDA driver library (which need no GPU to be loaded) into artifacts/cuda, so that kernels can be compiled and the
# driver table checked on any Debian machine. Needs no root and installs nothing: packages of the component non-free, from the mirror
# that this machine is set up with, are unpacked into the ignored folder. What is installed already is used instead.
# About 20 MB; A2F_CUBLAS=1 fetches cuBLAS too (250 MB, 670 MB unpacked). Ends with 0 in any case; tests say what they lack.
set -u
cd "$(dirname "$0")/.."
target=$PWD/artifacts/cuda

# installed FILE: says where the system has a library.
installed() {
    local found
    found=$( (ldconfig -p || /sbin/ldconfig -p) 2>/dev/null | awk -v lib="$1" 'index($1, lib) == 1 { print $NF; exit }')
    [ -n "$found" ] || found=$(ls -d "${CUDA_PATH:-/usr/local/cuda}"/lib64/"$1"* 2>/dev/null | head -n 1)
    [ -n "$found" ] && echo "$1: installed, $found"
}

packages=()
# want PACKAGES FILE: asks for packages unless the library is there.
want() {
    installed "${2%%.so*}.so" && return
    if [ -e "$target/$2" ]; then echo "$2: $target/$2"; else packages+=($1); fi
}
want "libcuda1" libcuda.so.1
want "libnvrtc11.2 libnvrtc-builtins11.8" libnvrtc.so.11.2
[ "${A2F_CUBLAS:-0}" = 1 ] && want "libcublas11 libcublaslt11" libcublas.so.11
[ ${#packages[@]} -gt 0 ] || exit 0

give_up() {
    echo "Cannot fetch ${packages[*]}: $1. Tests that need them are skipped; set A2F_CUDA_PATH to a folder that has the libraries."
    exit 0
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || give_up "this is no Debian system"
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ -n "$codename" ] || give_up "the Debian release has no name"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/deb" "$work/root" "$target"

# The release's own sources, with the component non-free in place of theirs: "deb [options] URI SUITE main" lines and deb822 stanzas.
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -nE "s/^deb +((\[[^]]*\] +)?[^ ]+ +$codename(-[a-z]+)?) +main.*/deb \1 non-free/p" >"$work/found.list"
cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
    awk -v release="$codename" 'BEGIN { RS = ""; FS = "\n" }
        $0 ~ "(^|\n)Suites:[^\n]* ?" release "( |-|\n|$)" && /(^|\n)Components:[^\n]*main/ {
            for (i = 1; i <= NF; i++) print ($i ~ /^Components:/ ? "Components: non-free" : $i)
            print ""
        }' >"$work/found.sources"
cat "$work/found.list" "$work/found.sources" | grep -q . || give_up "no source of $codename is set up"

apt() {
    apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/parts" -o Dir::State::Lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
        -o APT::Sandbox::User="" "$@"
}
mkdir "$work/parts" && mv "$work"/found.* "$work/parts/"
apt update >"$work/log" 2>&1 || give_up "$(grep -E '^[EW]:' "$work/log" | head -n 1)"
(cd "$work/deb" && apt download "${packages[@]}") >"$work/log" 2>&1 || give_up "$(grep -E '^E:' "$work/log" | head -n 1)"

for package in "$work"/deb/*.deb; do dpkg-deb -x "$package" "$work/root" || give_up "$package is broken"; done
find "$work/root" -name '*.so*' \( -type f -o -type l \) -exec mv -f {} "$target/" \;
for package in "$work"/deb/*.deb; do echo "fetched $(basename "${package%%_*}") $(dpkg-deb -f "$package" Version): $target"; done
