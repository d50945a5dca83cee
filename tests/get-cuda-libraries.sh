#!/usr/bin/env bash
# Brings the CUDA driver library and NVRTC (which need no GPU to be loaded) into artifacts/cuda, so that kernels can be compiled and the
# driver table checked on any Debian machine: NVRTC 11.8 there, NVRTC 12.4 in the folder 12, the driver in the folder driver. Needs no root
# and installs nothing: packages of the component non-free, from the mirror that this machine is set up with, are unpacked. An installed
# driver or NVRTC is used instead. 40 MB, kept in the user's cache for the next checkout; A2F_CUBLAS=1 fetches cuBLAS 11 too (250 MB, 670 MB
# unpacked).
# Always ends with 0; what could not be had is named, and tests that need it say so. A2F_CUDA_PATH may name folders instead.
set -u
cd "$(dirname "$0")/.."
target=$PWD/artifacts/cuda
kept=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/a2f-engine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# installed STEM: says where the system has a library.
installed() {
    local found
    found=$( (ldconfig -p || /sbin/ldconfig -p) 2>/dev/null | awk -v stem="$1" 'index($1, stem) == 1 { print $NF; exit }')
    [ -n "$found" ] || found=$(ls -d "${CUDA_PATH:-/usr/local/cuda}"/lib64/"$1"* 2>/dev/null | head -n 1)
    [ -n "$found" ] && echo "$1: installed, $found"
}

apt() {
    apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources" -o Dir::State::Lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 \
        -o APT::Sandbox::User="" "$@"
}

# The machine's source of its own release (not its updates), turned to the releases and the component that have the packages.
set_up_apt() {
    [ -d "$work/sources" ] && return
    mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
    local release stanzas
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -nE "s/^deb +((\[[^]]*\] +)?[^ ]+) +$release +.*main.*/deb \1 bookworm non-free\ndeb \1 trixie non-free/p" \
            >"$work/sources/copied.list"
    for stanzas in /etc/apt/sources.list.d/*.sources; do cat "$stanzas" && echo; done 2>/dev/null |
        awk -v release="$release" 'BEGIN { RS = ""; FS = "\n" }
            $0 ~ "(^|\n)Suites:([^\n]* )?" release "( |\n|$)" && /(^|\n)Components:[^\n]*main/ {
                for (i = 1; i <= NF; i++)
                    print ($i ~ /^Components:/ ? "Components: non-free" : $i ~ /^Suites:/ ? "Suites: bookworm trixie" : $i)
                print ""
            }' >"$work/sources/copied.sources"
    apt update >"$work/update.log" 2>&1
}

# fetch FOLDER FILE PACKAGE...: unpacks the libraries of packages unless the file is there.
fetch() {
    local folder=$1 file=$2 set="$work/$2" package
    shift 2
    if [ -e "$folder/$file" ]; then
        echo "$file: $folder"
        return
    fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        echo "$file: cannot be fetched, this is no Debian system"
        return
    fi
    mkdir -p "$set/deb" "$set/root" "$folder"
    if ! cp "$kept/$file"/*.deb "$set/deb/" 2>/dev/null; then
        set_up_apt
        if ! (cd "$set/deb" && apt download "$@") >"$set/log" 2>&1; then
            echo "$file: cannot be fetched: $(grep -hE '^[EW]:' "$set/log" "$work/update.log" | head -n 1)"
            return
        fi
        mkdir -p "$kept" && cp -r "$set/deb" "$work/keep" && rm -rf "$kept/$file" && mv "$work/keep" "$kept/$file"
    fi
    for package in "$set"/deb/*.deb; do
        dpkg-deb -x "$package" "$set/root"
        echo "$file: fetched $(basename "${package%%_*}") $(dpkg-deb -f "$package" Version) into $folder"
    done
    # Links last: the file that says "complete" is one.
    find "$set/root" -name '*.so*' -type f -exec mv -f {} "$folder/" \;
    find "$set/root" -name '*.so*' -type l -exec mv -f {} "$folder/" \;
}

installed libcuda.so || fetch "$target/driver" libcuda.so.1 libcuda1/bookworm
if ! installed libnvrtc.so; then
    fetch "$target" libnvrtc.so.11.2 libnvrtc11.2/bookworm libnvrtc-builtins11.8/bookworm
    fetch "$target/12" libnvrtc.so.12 libnvrtc12/trixie libnvrtc-builtins12.4/trixie
fi
if [ "${A2F_CUBLAS:-0}" = 1 ]; then
    installed libcublas.so || fetch "$target" libcublas.so.11 libcublas11/bookworm libcublaslt11/bookworm
fi
exit 0
