"""Sets one optimisation step of this library beside PyTorch's on the same CPU, alternating, in one run.

    cargo build --release --example time_step
    pip install -r tools/requirements.txt
    python tools/compare_pytorch.py --sizes 256 512 --threads 2 --rounds 5

Every round starts each program anew, one after the other, so that a change of the machine's speed meets all of
them: our step, PyTorch as it comes, and PyTorch with an allocator tuned not to give memory back (its pages are
otherwise fetched anew at every step). What a step is, pytorch_step.py says. The figure of a process is the fastest of
its steps; the ratio of a round is ours over the faster PyTorch of that round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# An allocator that keeps its memory.
TUNED = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    "MALLOC_TOP_PAD_": str(1 << 28),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def run(command, extra=None):
    """The last line that a command prints, as JSON."""
    environment = os.environ | (extra or {})
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def compare(size, options):
    """All rounds at one size; prints a line each and one for all."""
    ours = [options.ours, "--size", str(size), "--steps", str(options.steps), "--kernel", options.kernel,
            "--device", "cpu"]
    theirs = [sys.executable, str(ROOT / "tools/pytorch_step.py"), "--size", str(size),
              "--threads", str(options.threads), "--steps", str(options.steps)]
    ours_limit = {"RAYON_NUM_THREADS": str(options.threads)} | ({"STYLE_KERNELS_ISA": "avx2"} if options.avx2 else {})
    limit = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"} if options.avx2 else {}
    ratios, mins = [], []
    for _ in range(options.rounds):
        own = run(ours, ours_limit)["min_s"]
        stock, tuned = run(theirs, limit)["min_s"], run(theirs, limit | TUNED)["min_s"]
        ratios.append(own / min(stock, tuned))
        mins.append((own, stock, tuned))
        print(f"{size} px: ours {own:.4f} s, PyTorch {stock:.4f} s, tuned {tuned:.4f} s, ratio {ratios[-1]:.3f}",
              flush=True)
    own, stock, tuned = (min(column) for column in zip(*mins))
    print(f"{size} px, {options.threads} threads, fastest of all: ours {own:.4f} s, PyTorch {stock:.4f} s, "
          f"tuned {tuned:.4f} s, ratio {own / min(stock, tuned):.3f}; ratios of the rounds: min {min(ratios):.3f}, "
          f"median {statistics.median(ratios):.3f}, max {max(ratios):.3f}", flush=True)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kernel", default="winograd", choices=["winograd", "direct", "burn"])
    parser.add_argument("--avx2", action="store_true", help="keep both to AVX2")
    parser.add_argument("--ours", default=str(ROOT / "target/release/examples/time_step"))
    options = parser.parse_args()
    for size in options.sizes:
        compare(size, options)


if __name__ == "__main__":
    main()
