"""Draws loss against seconds: one panel per pair of pictures, one line per run.

    python tools/loss_curves.py runs.json docs/images/loss_curves.svg
    python tools/loss_curves.py --report castle "Adam, ladder" out/a.json --report castle "L-BFGS" out/b.json x.svg

`runs.json` is a list of {"pair", "label", "points": [[seconds, loss], ...]}, for a dashed line with "dashed": true. A
report is what the `transfer` example writes; losses of different scales do not compare, so only its last scale is
drawn, at the seconds since the run's first step. To see a ladder's early scales, too, measure its pictures with the
objective of the last scale and give the points.

The same points give the same bytes.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# Colours that differ for colour-blind eyes, too (M. Okabe and K. Ito, 2008), the palest left out.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
MOST_POINTS = 200  # a line; more cannot be seen, and the file grows


def points_of_report(path):
    """[seconds, total loss] of the last scale."""
    report = json.loads(Path(path).read_text())
    first = report["scales"][-1]["first"] if report.get("scales") else 0
    totals = [sum(terms) for terms in report["losses"]]
    return list(zip(report["seconds"][first:], totals[first:], strict=True))


def thinned(points):
    """At most MOST_POINTS of the points, evenly by index, with the first and the last."""
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(index * step)] for index in range(MOST_POINTS)]


def draw(runs, output, title, unit):
    """Writes the panels as one SVG."""
    pairs, labels = (list(dict.fromkeys(run[key] for run in runs)) for key in ("pair", "label"))
    plt.rcParams.update({"svg.hashsalt": "loss curves", "svg.fonttype": "none", "font.size": 9})
    figure, panels = plt.subplots(1, len(pairs), figsize=(4.2 * len(pairs), 3.6), squeeze=False, layout="constrained")
    for panel, pair in zip(panels[0], pairs, strict=True):
        for run in (run for run in runs if run["pair"] == pair):
            seconds, losses = zip(*thinned(run["points"]), strict=True)
            colour = COLOURS[labels.index(run["label"]) % len(COLOURS)]
            style = "--" if run.get("dashed") else "-"
            panel.plot(seconds, losses, style, color=colour, label=run["label"], linewidth=1.4)
        panel.set(title=pair, xlabel="seconds", yscale="log")
        panel.grid(visible=True, which="both", color="#dddddd", linewidth=0.5)
    panels[0][0].set_ylabel(unit)
    lines = {line.get_label(): line for panel in panels[0] for line in panel.get_lines()}
    figure.legend(handles=lines.values(), loc="outside lower center", ncols=min(4, len(lines)), frameon=False)
    if title:
        figure.suptitle(title)
    output.parent.mkdir(parents=True, exist_ok=True)
    # Without the date, and with a white ground for dark pages.
    figure.savefig(output, metadata={"Date": None, "Creator": None}, facecolor="white")
    plt.close(figure)


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="lists of runs, and last the picture to write")
    parser.add_argument("--report", nargs=3, action="append", default=[], metavar=("PAIR", "LABEL", "FILE"))
    parser.add_argument("--title", default="")
    parser.add_argument("--unit", default="loss", help="name of the losses' axis")
    options = parser.parse_intermixed_args()
    if not options.runs:
        parser.error("which picture is to be written?")
    *lists, output = options.runs
    runs = [run for path in lists for run in json.loads(path.read_text())]
    runs += [{"pair": pair, "label": label, "points": points_of_report(file)} for pair, label, file in options.report]
    if not runs:
        parser.error("there are no runs to draw")
    draw(runs, output, options.title, options.unit)
    print(f"{output}: {len(runs)} runs, {output.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
