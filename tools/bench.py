"""Runs every benchmark, with PyTorch's step in between, and writes the figures into docs/benchmarks.md.

    python tools/bench.py                                       # flex: about ten minutes on two cores
    python tools/bench.py --features ndarray,vulkan             # every backend of the build, and the real GPUs
    python tools/bench.py --features vulkan --devices vulkan --sizes 64         # a GPU that computes on the CPU
    python tools/bench.py --only step --output - -- --quick     # one benchmark, printed; arguments for criterion

The step is measured size by size, and PyTorch's step of the same size (pytorch_step.py, with an allocator that keeps
its memory) right before and right after ours, each in a process of its own; its figure is the faster of the two.
Where PyTorch sees a GPU that ours are measured on too, it runs there as well, with TF32 off and on. Without PyTorch
the ratios are left out.

Python's standard library is all it needs, besides PyTorch and safetensors for the ratios (requirements.txt).
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

from bench_table import PIXELS, natural, read, table, time
from compare_pytorch import TUNED

ROOT = Path(__file__).resolve().parents[1]
BENCHES = ("step", "features", "layers", "losses", "optimizers", "transfer", "startup")
BEGIN, END = "<!-- figures: written by tools/bench.py -->", "<!-- end of the figures -->"
# What a benchmark says of a device that it measures.
DEVICE = re.compile(r"bench device (?P<text>(?P<name>\S+) \((?P<kind>[\w ]+).*)")
# The kind of one that is compared with PyTorch's GPU.
GPU = "a GPU"


def has_pytorch():
    """Whether PyTorch's step can be run by this Python."""
    return all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))


def sees_cuda():
    """Whether PyTorch has a GPU."""
    asks = "import torch; raise SystemExit(not torch.cuda.is_available())"
    return has_pytorch() and subprocess.run([sys.executable, "-c", asks], check=False).returncode == 0


def stream(command, environment, limit=None):
    """Runs a command and shows what it says: its status and its lines.

    After `limit` seconds it is ended with all that it started.
    """
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", start_new_session=True) as process:
        timer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL)) if limit else None
        if timer:
            timer.start()
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        if timer:
            timer.cancel()
    return process.returncode, lines


def build(arguments):
    """Builds with Cargo what has these arguments: {name: program}."""
    command = ["cargo", *arguments, "--message-format=json-render-diagnostics"]
    print("+", shlex.join(command), flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed with {done.returncode}")
    artifacts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {artifact["target"]["name"]: artifact["executable"] for artifact in artifacts if artifact.get("executable")}


def build_benches(options):
    """The programs of the benchmarks by name: built once, so that no figure is taken beside a compiler."""
    features = ["--features", options.features] if options.features else []
    return build(["bench", "--no-run", *(["--offline"] if options.offline else []), *features])


class Benches:
    """The programs of the benchmarks, with the figures and the devices of this run."""

    def __init__(self, options, programs):
        self.options, self.programs, self.devices = options, programs, {}
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        # A folder of its own, so that no figure of another run gets into the tables.
        self.folder = target / "bench" / datetime.now().strftime("%Y-%m-%d-%H-%M-%S")
        self.environment = os.environ | {"CRITERION_HOME": str(self.folder)}
        if options.devices:
            self.environment["BENCH_DEVICES"] = options.devices

    def run(self, name, size=None):
        """One benchmark, at one size or at all of them; a failure ends it all."""
        sizes = [size] if size else self.options.sizes
        environment = self.environment | ({"BENCH_SIZES": ",".join(map(str, sizes))} if sizes else {})
        status, lines = stream([self.programs[name], "--bench", *self.options.criterion], environment)
        self.devices |= {found["name"]: found for found in map(DEVICE.match, lines) if found}
        if status:
            sys.exit(f"the benchmark {name} failed with {status}")

    def figures(self):
        """{group: {row: {column: (seconds, work)}}}"""
        return read(self.folder)[0]


def pytorch(size, options, *arguments):
    """Seconds of PyTorch's step, the median of some, and the line it was told with."""
    command = [sys.executable, str(ROOT / "tools/pytorch_step.py"), "--size", str(size),
               "--steps", str(options.pytorch_steps), "--seconds", str(options.pytorch_seconds), *arguments]
    line = subprocess.run(command, env=os.environ | TUNED, check=True, capture_output=True, text=True).stdout
    print(f"PyTorch: {line}", end="", flush=True)
    found = json.loads(line)
    return found["median_s"], found


class Rivals:
    """PyTorch's steps of this run: {size: {name: seconds}}."""

    CPU = "PyTorch"
    CUDA, TF32 = "PyTorch on the GPU, TF32 off", "PyTorch on the GPU, TF32 on"

    def __init__(self, options):
        self.options, self.seconds, self.about = options, {}, {}
        self.ways = {self.CPU: []} if has_pytorch() else {}
        if sees_cuda() and not options.no_cuda:
            self.ways |= {self.CUDA: ["--device", "cuda"], self.TF32: ["--device", "cuda", "--tf32"]}
        if options.no_pytorch_on_cpu:
            self.ways.pop(self.CPU, None)

    def run(self, size):
        """Every way once; the faster of two runs counts."""
        for name, arguments in self.ways.items():
            seconds, self.about[name] = pytorch(size, self.options, *arguments)
            known = self.seconds.setdefault(size, {})
            known[name] = min(seconds, known.get(name, seconds))

    def of(self, size, kind):
        """The name of PyTorch's way on the same hardware, if there is one."""
        name = self.CUDA if kind == GPU else self.CPU
        return name if name in self.seconds.get(size, {}) else None

    def versions(self):
        """What ran, in words."""
        about = list(self.about.values())
        return sorted({f"PyTorch {found['torch']}" for found in about}
                      | {found["hardware"] for found in about if found["device"] != "cpu"})


def step_table(rows, devices, rivals):
    """One line for every size and way, with the ratio to PyTorch on the same hardware."""
    lines = [["step", "computed by", "time", PIXELS[0], "ratio to PyTorch"]]
    for row in sorted(rows, key=natural):
        size = int(row.split()[0])
        pixels = size * size / PIXELS[1]
        theirs = rivals.seconds.get(size, {})
        figures = {name: (seconds, "" if name == Rivals.CPU else GPU) for name, seconds in theirs.items()}
        for column, (seconds, _) in rows[row].items():
            figures[column] = (seconds, devices[column.rsplit("-", 1)[0]]["kind"])
        for name in sorted(figures, key=lambda name: (figures[name][1] == GPU, figures[name][0])):
            seconds, kind = figures[name]
            rival = rivals.of(size, kind)
            ratio = f"{seconds / theirs[rival]:.2f}" if rival and rival != name else ""
            lines.append([row, name, time(seconds), f"{pixels / seconds:.3g}", ratio])
    if not rivals.seconds:
        lines = [line[:-1] for line in lines]
    lines.insert(1, ["---"] * len(lines[0]))
    return ["| " + " | ".join(line) + " |" for line in lines]


def processor():
    """The model of the processor."""
    try:
        models = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def report(benches, rivals, began):
    """The Markdown between the markers."""
    command = shlex.join(["python", "tools/bench.py", *sys.argv[1:]])
    ended = datetime.now()
    lines = [f"Measured on {began:%Y-%m-%d} from {began:%H:%M} to {ended:%H:%M} by `{command}`.", "",
             f"* processor: {processor()}, {cores()} cores, {platform.system()}"]
    lines += [f"* {found['text']}" for found in benches.devices.values()]
    lines += [f"* {version}" for version in rivals.versions()]
    if not rivals.seconds:
        lines += ["* PyTorch is not installed where this was measured: no ratios"]
    figures = benches.figures()
    if "step" in figures:
        lines += ["", *step_table(figures["step"], benches.devices, rivals)]
    for group in sorted(set(figures) - {"step"}):
        lines += ["", *table(group, figures[group], None)]
    return "\n".join(lines)


def write(path, text):
    """Replaces what stands between the markers."""
    page = path.read_text()
    head, found, rest = page.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not (found and ended):
        sys.exit(f"{path} has no markers {BEGIN} and {END}")
    path.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")


def arguments():
    """Command line."""
    own, criterion = sys.argv[1:], []
    if "--" in own:
        own, criterion = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", help="features of the build besides the default ones, with commas")
    parser.add_argument("--devices", help="only these devices, with commas, instead of all CPU backends and real GPUs")
    parser.add_argument("--sizes", type=int, nargs="+", help="sides of the pictures, px; 128, 256 and 512")
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=BENCHES, help="these benchmarks")
    parser.add_argument("--output", default=str(ROOT / "docs/benchmarks.md"),
                        help="the page to write into between its markers, or - to print")
    parser.add_argument("--pytorch-steps", type=int, default=5, help="counted steps at least")
    parser.add_argument("--pytorch-seconds", type=float, default=1, help="counted seconds at least")
    parser.add_argument("--no-pytorch-on-cpu", action="store_true", help="no PyTorch on the CPU")
    parser.add_argument("--no-cuda", action="store_true", help="no PyTorch on a GPU")
    parser.add_argument("--offline", action="store_true", help="tell Cargo that there is no network")
    options = parser.parse_args(own)
    options.criterion = criterion
    return options


def measure(options):
    """Runs what was asked for."""
    benches, rivals = Benches(options, build_benches(options)), Rivals(options)
    for name in options.only:
        if name != "step":
            benches.run(name)
            continue
        for size in options.sizes or (128, 256, 512):
            rivals.run(size)
            benches.run("step", size)
            rivals.run(size)
    return benches, rivals


def main():
    """Measures and writes."""
    options, began = arguments(), datetime.now()
    text = report(*measure(options), began)
    if options.output == "-":
        print(text)
    else:
        write(Path(options.output), text)


if __name__ == "__main__":
    main()
