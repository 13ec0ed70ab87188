#!/usr/bin/env bash
# The same bits everywhere: what `./run exact` runs. Digests of every op, of LeNet, ResNet-20 and a recurrent network,
# along each axis from a baseline: instruction set, threads, a second run, a debug build, another compiler, a processor
# without multiply-add instruction and an ARM64 one (both emulated by qemu). Prints one table; exit 1 where any differ.
#
#   tests/exact/run.sh [--quick]      --quick: native axes only, shorter trainings
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

quick=0
[[ ${1:-} == --quick ]] && quick=1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
differ=0 started=$SECONDS
declare -A base

fail() {
  echo "exact: $*" >&2
  exit 1
}

# make FOLDER [CMake options]
make() {
  local folder=$1
  shift
  mkdir -p "$folder"
  if ! { cmake -S . -B "$folder" -G Ninja "$@" && ninja -C "$folder" lamina check_ops check_fma; } \
    >"$folder/exact.log" 2>&1; then
    tail -n 30 "$folder/exact.log" >&2
    fail "the build in $folder failed"
  fi
}

# work NAME RUNNER... FOLDER: prints a digest; RUNNER is what stands before the program (env, qemu)
work() {
  local name=$1 folder=${*: -1} runner=("${@:2:$#-2}") script options=()
  case $name in
    ops) "${runner[@]}" "$folder/exact/check_ops" "${threads:-2}" 2>>"$scratch/log" | sed -n 's/^digest: //p'
         return ;;
    lenet) script=lenet options=(--images 8192) ;;
    lenet64) script=lenet options=(--images 4096) ;;
    resnet20) script=resnet20 options=(--steps 20) ;;
    resnet20-small) script=resnet20 options=(--steps 3 --batch 8) ;;
    rnn) script=rnn options=(--steps 20) ;;
  esac
  "${runner[@]}" "$folder/lamina" --threads "${threads:-2}" --digest --out "$scratch/out" "tests/exact/$script.lua" \
    "${options[@]}" 2>>"$scratch/log" | sed -n 's/^digest: //p'
  rm -rf "$scratch/out"
}

# axis LABEL "WORKLOADS" RUNNER... FOLDER: a row of the table; the first of each workload is its baseline
axis() {
  local label=$1 names=$2 name value mark row
  shift 2
  row=$(printf '%-28s' "$label")
  for name in ops lenet lenet64 resnet20 resnet20-small rnn; do
    if [[ " $names " != *" $name "* ]]; then
      row+=$(printf '%-16s' -)
      continue
    fi
    value=$(work "$name" "$@" || true)
    if [[ -z $value ]]; then
      mark=FAILED differ=1
      tail -n 3 "$scratch/log" >&2
    elif [[ -z ${base[$name]:-} ]]; then
      base[$name]=$value mark=${value:0:12}
    elif [[ $value == "${base[$name]}" ]]; then
      mark=same
    else
      mark=DIFFERS differ=1
    fi
    row+=$(printf '%-16s' "$mark")
  done
  echo "$row"
}

# bundle LABEL RUNNER... FOLDER: a bundle made on the baseline, run again and compared artefact by artefact: by verify
# itself, or, where "apart" stands first, by a run whose folder verify compares (an emulator starts no programs).
bundle() {
  local label=$1 verdict apart=0
  shift
  [[ $1 != apart ]] || { apart=1; shift; }
  local folder=${*: -1} runner=("${@:1:$#-1}")
  if ((apart)); then
    rm -rf "$scratch/run"
    "${runner[@]}" "$folder/lamina" --threads "${threads:-2}" --trace --out "$scratch/run" \
      "$scratch/bundle/data/work/tests/exact/lenet.lua" --images 1024 >/dev/null 2>>"$scratch/log" || true
    verdict=$(build/lamina verify "$scratch/bundle" --run "$scratch/run" 2>>"$scratch/log" | tail -n 1)
  else
    verdict=$("${runner[@]}" "$folder/lamina" verify "$scratch/bundle" --threads "${threads:-2}" \
      2>>"$scratch/log" | tail -n 1)
  fi
  [[ $verdict == exact:* ]] || differ=1
  printf '%-28s%s\n' "$label" "${verdict:-FAILED}"
}

native="ops lenet resnet20 rnn" emulated="ops lenet64 resnet20-small"
((quick)) && native="ops lenet64 resnet20-small"
make build

printf '%-28s%-16s%-16s%-16s%-16s%-16s%s\n' axis ops lenet lenet64 resnet20 resnet20-small rnn
axis "baseline, 2 threads" "ops lenet lenet64 resnet20 resnet20-small rnn" env build
axis "a second run" "$native" env build
isas=$(build/lamina -e 'print(table.concat(require("lamina.core.base").isas(), " "))')
for isa in $isas; do
  chosen=$native
  [[ $isa == generic ]] && chosen="ops lenet64 resnet20-small"
  axis "LAMINA_ISA=$isa" "$chosen" env LAMINA_ISA=$isa build
done
for threads in 1 3 4 7 16; do axis "$threads threads" "$native" env build; done
threads=2

echo "a bundle made by the baseline"
build/lamina pack tests/exact/lenet.lua -o "$scratch/bundle.zip" --threads 2 --images 1024 >/dev/null
build/lamina - "$scratch" <<<'require("lamina.core.bundle").zip_unpack(... .. "/bundle.zip", ..., 1 << 30, 1000)'
for isa in $isas; do bundle "LAMINA_ISA=$isa" env LAMINA_ISA=$isa build; done
for threads in 1 3 16; do bundle "$threads threads" env build; done
threads=2
if ((!quick)); then
  make build-debug -DLAMINA_TESTS=OFF -DCMAKE_BUILD_TYPE=Debug
  axis "debug build" "$emulated" env build-debug
  make build-clang -DLAMINA_TESTS=OFF -DCMAKE_C_COMPILER=clang
  axis "clang" "$native" env build-clang
  if [[ $(uname -m) == x86_64 ]]; then
    axis "x86-64 without FMA (qemu)" "$emulated" env qemu-x86_64 -cpu Nehalem build
    bundle "x86-64 without FMA (qemu)" apart env qemu-x86_64 -cpu Nehalem build
    make build-arm64 -DLAMINA_TESTS=OFF -DCMAKE_TOOLCHAIN_FILE=tests/exact/arm64.cmake
    axis "ARM64 (qemu)" "$emulated" env qemu-aarch64 -L / build-arm64
    bundle "ARM64 (qemu)" apart env qemu-aarch64 -L / build-arm64
    build/exact/check_fma 1000000000 || differ=1
  fi
fi
echo "$((SECONDS - started)) s"
if ((differ)); then
  echo "NOT the same bits everywhere"
  exit 1
fi
echo "the same bits everywhere"
