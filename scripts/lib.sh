# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share: where the project is, what is missing, how it is installed and built.
# Sourced by bash with `set -euo pipefail`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT=$(basename "$0")

say() { printf '%s: %s\n' "$SCRIPT" "$*" >&2; }
die() { say "$*"; exit 2; }

# Open MPI refuses root unless both are set (PRTE is the launcher of version 5); in containers and
# on rented machines root is the user.
allow_root() {
    if [ "$(id -u)" = 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
        export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
}

# Each rank of Open MPI looks its machine up by name, and waits seconds where nobody knows it.
check_host_name() {
    local name
    name=$(uname -n)
    if ! timeout 2 getent hosts "$name" >/dev/null; then
        say "this machine does not know its own name: MPI starts slowly, and slower the"
        say "more ranks there are; the cure is one line in /etc/hosts: 127.0.0.1 $name"
    fi
}

# Open MPI of images and modules that keep it off the PATH.
find_mpi() {
    local dir
    command -v mpirun >/dev/null && command -v mpicc >/dev/null && return
    for dir in /opt/amazon/openmpi5 /opt/amazon/openmpi /opt/hpcx/ompi /usr/local/mpi \
        /usr/lib64/openmpi; do
        if [ -x "$dir/bin/mpirun" ] && [ -x "$dir/bin/mpicc" ]; then
            PATH=$dir/bin:$PATH
            return
        fi
    done
}

# --------------------------------------------------------------------------------- what is missing

have_command() { command -v "$1" >/dev/null 2>&1; }
have_module() { have_command pkg-config && pkg-config --exists "$1"; }
have_header() {
    have_command cc && printf '%s\n' "${@/#/#include }" | cc -E -x c - >/dev/null 2>&1
}
have_onednn() {
    have_header '<oneapi/dnnl/dnnl.h>' || [ -e /opt/intel/oneapi/dnnl/latest/include/dnnl.h ] ||
        [ -n "${DNNL_INCLUDE_DIR:-}" ]
}
have_gpu() { [ "$(gpu_count)" -gt 0 ]; }
have_cmocka() { have_header '<stdarg.h>' '<stddef.h>' '<stdint.h>' '<setjmp.h>' '<cmocka.h>'; }
have_sanitizers() {
    local name
    for name in address,undefined thread; do
        echo 'int main(void) { return 0; }' |
            cc -x c - -fsanitize=$name -o /dev/null 2>/dev/null || return 1
    done
}
have_jsonschema() {
    local python
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import jsonschema' >/dev/null 2>&1 && return
    done
    return 1
}
have_cmake() {
    local version
    have_command cmake || return 1
    version=$(cmake --version | sed -n '1s/[^0-9]*//p')
    [ "$(printf '3.22\n%s\n' "$version" | sort -V | head -n 1)" = 3.22 ]
}

# One line a need: what it is for, then its names for apt, dnf and zypper, then how it is seen.
needs() {
    local what=$1
    cat <<'END'
build|gcc libc6-dev|gcc|gcc|have_header <stdio.h>
build|cmake|cmake|cmake|have_cmake
build|ninja-build|ninja-build|ninja|have_command ninja
build|pkg-config|pkgconf-pkg-config|pkg-config|have_command pkg-config
build|libopenmpi-dev|openmpi-devel|openmpi4-devel|have_command mpicc
build|openmpi-bin|openmpi|openmpi4|have_command mpirun
build|libhwloc-dev|hwloc-devel|hwloc-devel|have_module hwloc
build|libcjson-dev|cjson-devel|cJSON-devel|have_module libcjson
build|libdnnl-dev|onednn-devel|onednn-devel|have_onednn
wish|libcurl4-openssl-dev|libcurl-devel|libcurl-devel|have_header <curl/curl.h>
END
    if have_gpu; then
        echo 'build|g++|gcc-c++|gcc-c++|have_command g++'
    fi
    if [ "$what" = test ]; then
        cat <<'END'
test|libcmocka-dev|libcmocka-devel|libcmocka-devel|have_cmocka
test|python3|python3|python3|have_command python3
test|git|git|git|have_command git
wish|python3-jsonschema|python3-jsonschema|python3-jsonschema|have_jsonschema
wish|clang-format-14|clang-tools-extra|clang|have_command clang-format-14
wish|iproute2|iproute iproute-tc|iproute2|have_command ip
wish|shellcheck|ShellCheck|ShellCheck|have_command shellcheck
wish|gcc|libasan libubsan libtsan|gcc|have_sanitizers
END
    fi
}
# missing build|test COLUMN KIND: packages (column 2 apt, 3 dnf, 4 zypper) of needs that are not
# met, KIND being '^(build|test)' or '^wish'.
missing() {
    local kind apt dnf zypper probe
    while IFS='|' read -r kind apt dnf zypper probe; do
        # The probe is a command of the table above, written as words.
        # shellcheck disable=SC2086
        if [[ $kind =~ $3 ]] && ! $probe </dev/null; then
            case $2 in
            2) echo "$apt" ;;
            3) echo "$dnf" ;;
            4) echo "$zypper" ;;
            esac
        fi
    done < <(needs "$1") | tr '\n' ' ' | sed 's/ *$//'
}

# ----------------------------------------------------------------------------------- installing it

can_be_root() { [ "$(id -u)" = 0 ] || have_command sudo; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# A machine that has just started may still be installing its own updates. What apt says is shown
# when it fails.
apt_get() {
    local log code=0
    log=$(mktemp)
    as_root apt-get -o DPkg::Lock::Timeout=120 -q=2 "$@" >"$log" 2>&1 </dev/null || code=$?
    [ $code = 0 ] || tail -n 5 "$log" >&2
    rm -f "$log"
    return $code
}

# apt_install PACKAGE...
apt_install() {
    say "installing with apt: $*"
    apt_get install --yes --no-install-recommends "$@" 2>/dev/null && return
    say "reading the package lists first"
    apt_get update && apt_get install --yes --no-install-recommends "$@"
}

# install_for build|test: what is missing, or the list of it for who must do it by hand.
install_for() {
    local packages wishes name
    find_mpi
    packages=$(missing "$1" 2 '^(build|test)')
    wishes=$(missing "$1" 2 '^wish')
    if [ -z "$packages$wishes" ]; then
        say "nothing is missing"
        return
    fi
    if ! have_command apt-get || ! can_be_root; then
        say "no apt-get here, or neither root nor sudo to run it"
        say_by_hand "$1"
        [ -z "$packages" ] || exit 2
        return
    fi
    [ -z "$packages" ] || say "will install: $packages"
    [ -z "$wishes" ] || say "will install where the system has them: $wishes"
    # shellcheck disable=SC2086
    if [ -n "$packages" ] && ! apt_install $packages; then
        say_by_hand "$1"
        exit 2
    fi
    for name in $wishes; do
        apt_install "$name" || say "no $name here: what needs it is skipped"
    done
    if [ -n "$(missing "$1" 2 '^(build|test)')" ]; then
        if ! have_cmake && have_command cmake; then
            say "cmake is $(cmake --version | head -n 1), and 3.22 is needed: pip install cmake"
        fi
        die "still missing after the installation: $(missing "$1" 2 '^(build|test)')"
    fi
}

say_by_hand() {
    say "missing, to be installed by hand:"
    cat >&2 <<END
    Debian, Ubuntu:  apt-get install $(missing "$1" 2 .)
    Fedora, RHEL:    dnf install $(missing "$1" 3 .)
    openSUSE, SLES:  zypper install $(missing "$1" 4 .)
    On RHEL, Alma, Rocky and Amazon Linux some of them are in EPEL and CRB; oneDNN is
    intel-oneapi-dnnl-devel in Intel's repository. Then the same command again with --no-install.
END
}

# --------------------------------------------------------------------------------------------- GPU

gpu_count() {
    local count=0
    if have_command nvidia-smi; then
        count=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU' || true)
    fi
    if [ "$count" = 0 ] && [ -d /proc/driver/nvidia/gpus ]; then
        count=$(find /proc/driver/nvidia/gpus -mindepth 1 -maxdepth 1 | wc -l)
    fi
    echo "$count"
}

have_nvcc() {
    local name
    [ -n "${CUDACXX:-}" ] && return
    have_command nvcc && return
    for name in "${CUDA_HOME:-/usr/local/cuda}"/bin/nvcc /usr/local/cuda*/bin/nvcc \
        "$ROOT"/.cache/cuda/lib/python3*/site-packages/nvidia/cu*/bin/nvcc; do
        [ -x "$name" ] && return
    done
    python3 - 2>/dev/null <<'END'
import glob, site, sys
folders = site.getsitepackages() + [site.getusersitepackages()]
sys.exit(not any(glob.glob(f + "/nvidia/cu*/bin/nvcc") for f in folders))
END
}

# On a machine with a GPU and no compiler for it: NVIDIA's wheels, in a folder of the checkout,
# where the driver takes CUDA 13, else NVIDIA's packages. Without success the CPU program is built,
# and said to be one.
install_cuda() {
    local driver name
    local wheels=('nvidia-cuda-nvcc==13.*' 'nvidia-cuda-cccl==13.*' 'nvidia-cublas==13.*')
    if ! have_gpu || have_nvcc; then
        return 0
    fi
    driver=$({ nvidia-smi --query-gpu=driver_version --format=csv,noheader ||
        sed -n 's/.*Kernel Module[^0-9]*\([0-9.]*\).*/\1/p' /proc/driver/nvidia/version; } \
        2>/dev/null | sed -n '1s/\..*//p')
    say "$(gpu_count) NVIDIA GPU(s), driver ${driver:-unknown}, and no nvcc"
    if [ "${driver:-0}" -ge 580 ]; then
        [ "$(gpu_count)" = 1 ] || wheels+=(nvidia-nccl-cu13)
        say "will install into .cache/cuda with pip (0.6 GB or more): ${wheels[*]}"
        if { python3 -m venv "$ROOT/.cache/cuda" || { apt_install python3-venv &&
            python3 -m venv "$ROOT/.cache/cuda"; }; } >&2 &&
            "$ROOT/.cache/cuda/bin/pip" --quiet install "${wheels[@]}" >&2; then
            return
        fi
        rm -rf "$ROOT/.cache/cuda"
    elif have_command apt-cache; then
        for name in 12-9 12-8 12-6 12-4; do
            if apt-cache show "cuda-nvcc-$name" >/dev/null 2>&1; then
                apt_install "cuda-nvcc-$name" "cuda-cudart-dev-$name" "libcublas-dev-$name" &&
                    return
            fi
        done
    fi
    say "no nvcc could be installed: the CPU program is built. For the GPUs install a CUDA toolkit"
    say "that the driver takes (https://developer.nvidia.com/cuda-downloads) and start again"
}

# ---------------------------------------------------------------------------------------- building

# A job of the compiler takes up to 2 GiB (nvcc), and memory may be the container's.
build_jobs() {
    local kib limit cores
    cores=$(nproc)
    kib=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
    limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
    if [ "$limit" != max ] && [ $((limit / 1024)) -lt "$kib" ]; then
        kib=$((limit / 1024))
    fi
    awk -v cores="$cores" -v kib="$kib" \
        'BEGIN { n = int(kib / 2097152); if (n > cores) n = cores; print n < 1 ? 1 : n }'
}

# build_preset NAME LOG [cmake options]: configures and builds build/NAME.
build_preset() {
    local preset=$1 log=$2 cache=$ROOT/build/$1/CMakeCache.txt
    shift 2
    # A checkout that was moved or copied cannot use its old build folder.
    if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$ROOT" "$cache"; then
        say "build/$preset is of another folder: starting it anew"
        rm -rf "${ROOT:?}/build/$preset"
    fi
    (cd "$ROOT" && cmake --preset "$preset" "$@" >"$log" 2>&1) || {
        cat "$log" >&2
        return 1
    }
    sed -n '/^-- mlbench/,/^-- Configuring/p' "$log" | sed -e '/Configuring/d' -e 's/^-- /    /' >&2
    (cd "$ROOT" && cmake --build --preset "$preset" --parallel "$(build_jobs)" >>"$log" 2>&1) || {
        tail -n 60 "$log" >&2
        say "the whole log is $log"
        return 1
    }
}

# ./mlbench, so that `mpirun ./mlbench` works as typed.
link_program() { ln -sfn "build/$1/mlbench" "$ROOT/mlbench"; }
