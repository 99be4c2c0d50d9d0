"""Prints what `cargo bench` measured as Markdown tables: the figures of docs/benchmarks.md.

    cargo bench
    python tools/bench_table.py                          # everything under target/criterion
    python tools/bench_table.py step update              # these groups only
    python tools/bench_table.py --folder DIR --baseline burn

A table has a row for every size or layer and a column for every backend with its way of computing. A cell is the
median time; in brackets how many times that of the first column it is, in the same row. The first column is the
fastest over all rows, unless --baseline names part of another. Where a benchmark says how much work it does, the
last column gives the first one's throughput. Only the newest figure of every benchmark is read, whenever it was
taken: the range of their dates stands below the tables.

Python's standard library is all it needs.
"""

import argparse
import json
import re
import sys
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What throughput counts, by the beginning of a group's name.
UNITS = {"network": ("GFLOP/s", 1e9), "convolution": ("GFLOP/s", 1e9)}
PIXELS = ("Mpx/s", 1e6)


def read(folder):
    """Groups with their benchmarks, {group: {row: {column: (seconds, work)}}}, and the times of measuring."""
    groups, dates = {}, []
    for path in sorted(folder.glob("**/new/estimates.json")):
        about = json.loads(path.with_name("benchmark.json").read_text())
        seconds = json.loads(path.read_text())["median"]["point_estimate"] * 1e-9
        throughput = about.get("throughput") or {}
        row, column = about["value_str"] or "", about["function_id"] or ""
        groups.setdefault(about["group_id"], {}).setdefault(row, {})[column] = (seconds, throughput.get("Elements"))
        dates.append(path.stat().st_mtime)
    return groups, dates


def natural(text):
    """A key that sorts numbers in a text by their value."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def time(seconds):
    """Three digits and a unit."""
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            break
    value = seconds * factor
    return f"{value:.{max(0, 3 - len(str(int(value))))}f} {unit}"


def columns_of(rows, baseline):
    """Columns, the baseline first, then by their mean time relative to it in the rows that both have."""
    names = {name for row in rows.values() for name in row}

    def against(name, other):
        ratios = [row[name][0] / row[other][0] for row in rows.values() if name in row and other in row]
        return sum(ratios) / len(ratios) if ratios else float("inf")

    matching = [name for name in names if baseline and baseline in name]
    # The fastest among those that have the most rows.
    most = max(sum(name in row for row in rows.values()) for name in names)
    full = [name for name in names if sum(name in row for row in rows.values()) == most]
    first = min(matching or full, key=lambda name: (sum(row[name][0] for row in rows.values() if name in row), name))
    return sorted(names, key=lambda name: (name != first, against(name, first), name))


def table(group, rows, baseline):
    """The lines of one Markdown table."""
    columns = columns_of(rows, baseline)
    unit, factor = next((unit for start, unit in UNITS.items() if group.startswith(start)), PIXELS)
    has_work = any(work for row in rows.values() for _, work in row.values())
    head = [group, *columns] + ([unit] if has_work else [])
    lines = [head, ["---"] * len(head)]
    for name in sorted(rows, key=natural):
        row = rows[name]
        first = row.get(columns[0])
        cells = [name]
        for column in columns:
            if column not in row:
                cells.append("")
            elif column == columns[0] or not first:
                cells.append(time(row[column][0]))
            else:
                cells.append(f"{time(row[column][0])} ({row[column][0] / first[0]:.2f})")
        if has_work:
            cells.append(f"{first[1] / first[0] / factor:.3g}" if first and first[1] else "")
        lines.append(cells)
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help="groups to print, all by default")
    parser.add_argument("--folder", type=Path, default=ROOT / "target/criterion")
    parser.add_argument("--baseline", help="part of the name of the column that the others are compared with")
    options = parser.parse_args()
    groups, dates = read(options.folder)
    missing = [name for name in options.groups if name not in groups]
    if not groups or missing:
        known = ", ".join(groups) or f"nothing in {options.folder}: run cargo bench first"
        sys.exit(f"no such group: {', '.join(missing) or 'any'}; there is {known}")
    for name in options.groups or groups:
        print("\n".join(table(name, groups[name], options.baseline)), end="\n\n")
    first, last = (datetime.fromtimestamp(date).strftime("%Y-%m-%d %H:%M") for date in (min(dates), max(dates)))
    print(f"Measured between {first} and {last}.")


if __name__ == "__main__":
    main()
