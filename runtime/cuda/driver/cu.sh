#!/usr/bin/env bash
# Builds, vets and tests this package with -tags cu (cgo) on a machine without CUDA: with the headers of NVIDIA's wheel from PyPI, and
# with testdata/fakecuda.c for libcuda.so.1, where calls that it lacks fail. Needs Go, gcc, binutils, and python3 with pip or a
# CUDA_INCLUDE that has cuda.h. Arguments are more packages to build and vet; KEEP is a folder to leave the headers and library in.
set -euo pipefail
cd "$(dirname "$0")"
parts=${KEEP:-$(mktemp -d)}
[ -n "${KEEP:-}" ] || trap 'rm -rf "$parts"' EXIT
mkdir -p "$parts"

include=${CUDA_INCLUDE:-}
if [ -z "$include" ]; then
  python3 -m pip download --quiet --no-deps --only-binary=:all: --platform manylinux2014_x86_64 --dest "$parts" nvidia-cuda-runtime-cu12==12.9.79
  python3 -m zipfile -e "$parts"/nvidia_cuda_runtime_cu12-*.whl "$parts/wheel"
  include=$parts/wheel/nvidia/cuda_runtime/include
fi

# What the packages call of libcuda: the undefined symbols of gorgonia.org/cu's archive, less those that the fake has.
export CGO_ENABLED=1 CGO_CFLAGS="-I$include" CGO_LDFLAGS="-L$parts"
archives=$(go list -export -tags cu -f '{{.Export}}' gorgonia.org/cu .)
for a in $archives; do nm --undefined-only "$a" 2>/dev/null || true; done | awk '$1 == "U" && $2 ~ /^cu[A-Z]/ {print $2}' | sort -u >"$parts/called"
gcc -shared -fPIC -o "$parts/fake.so" testdata/fakecuda.c
nm --defined-only -D "$parts/fake.so" | awk '{print $3}' | sort -u >"$parts/faked"
comm -23 "$parts/called" "$parts/faked" | sed 's/.*/int &(void) { return 801; }/' >"$parts/stubs.c"
gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$parts/libcuda.so.1" testdata/fakecuda.c "$parts/stubs.c"
ln -sf libcuda.so.1 "$parts/libcuda.so"

export LD_LIBRARY_PATH=$parts FAKECUDA=$parts
go build -tags cu . "$@"
go vet -tags cu . "$@"
go test -tags cu -count=1 .
