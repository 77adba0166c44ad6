"""An evaluation as one HTML file that needs nothing else, and as the table that the command prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import cyclorama
from cyclorama_training.contender import Contender
from cyclorama_training.evaluate import BARS, Bar, Evaluation
from cyclorama_training.gallery import anchor, gallery
from cyclorama_training.speed import FRAME, PUBLISHED, RVM_SMALL_MS, Speed

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 1500px; padding: 0 1.5em; color: #222; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5em; border-bottom: 1px solid #ccc; } h3 { margin: 2em 0 0; }
p { max-width: 60em; margin: .4em 0; } nav a { margin-right: 1em; }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; white-space: nowrap; }
.titles th:nth-child(2), .titles td:nth-child(2) { text-align: left; white-space: nowrap; }
thead th { background: #f3f3f3; vertical-align: bottom; }
.pass { color: #0a6b2d; } .fail { color: #b3261e; font-weight: 600; }
.cases { display: flex; flex-wrap: wrap; gap: 1.2em 2em; margin-top: 1em; }
.case { max-width: 100%; } .case p { font-size: 13px; color: #555; margin: 0 0 .2em; }
.row { display: flex; gap: 6px; align-items: flex-start; margin-bottom: 6px; }
figure { margin: 0; min-width: 0; } figcaption { font-size: 12px; color: #555; overflow-wrap: anywhere; }
img { display: block; max-width: 100%; max-height: 210px; }
"""


class Column(NamedTuple):
    """A figure as it is printed: value times scale, with so many digits."""

    figure: str
    heading: str
    scale: float
    digits: int
    meaning: str

    def text(self, value: float) -> str:
        return f"{value * self.scale:.{self.digits}f}"


COLUMNS = (
    Column("iou", "IoU (Jaccard)", 1, 4, "intersection over union of the mattes cut at 0.5"),
    Column("accuracy", "accuracy", 1, 4, "share of pixels on the right side of 0.5"),
    Column("precision", "precision", 1, 4, "share of what was found that is there"),
    Column("recall", "recall", 1, 4, "share of what is there that was found"),
    Column("f1", "F1", 1, 4, "harmonic mean of precision and recall"),
    Column("dice", "Dice", 1, 4, "2 Σpt / (Σp² + Σt²) of alpha itself, not cut"),
    Column("mad", "MAD ×10⁻³", 1e3, 1, "mean absolute difference of alpha, over all pixels"),
    Column("mse", "MSE ×10⁻³", 1e3, 1, "mean squared difference of alpha, over all pixels"),
    Column(
        "grad", "Grad ×10³", 1, 2, "Rhemann 2009: Gaussian derivative of σ 1.4, squared error summed over the picture"
    ),
    Column("conn", "Conn ×10³", 1, 2, "Rhemann 2009: θ 0.15, steps of 0.1, summed over the picture"),
    Column("boundary", "boundary F", 1, 4, "Perazzi 2016: outlines within 0.8 % of the diagonal of each other"),
)
SEEN = 0.001  # mean alpha of an empty room that is worth a line
DTSSD = "Erofeev 2015: root of the mean squared difference of changes from frame to frame, averaged over frames"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table, and whether it passes; None: nothing is asked of it."""

    text: str
    passes: bool | None = None

    def marked(self) -> str:
        return self.text if self.passes is None else f"{self.text} {'✓' if self.passes else '✗'}"

    def html(self) -> str:
        kind = {True: " class=pass", False: " class=fail", None: ""}[self.passes]
        return f"<td{kind}>{escape(self.marked())}</td>"


def html(evaluation: Evaluation, contenders: Sequence[Contender], say: Callable[[str], None]) -> str:
    """The report: figures first, then pictures, the worst cases of the first model first.

    Args:
        contenders: the models of the evaluation's results, in their order.
    """
    material, first = evaluation.material, evaluation.results[0].model
    names = ["validation", *(part.name for part in material.slices), "empty rooms", "clips"]
    links = "".join(f'<a href="#{anchor(name)}">{escape(name)}</a>' for name in names)
    title = f"Evaluation of {', '.join(r.model for r in evaluation.results)}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p>cyclorama {cyclorama.__version__}. {len(material.validation)} held-back people over {len(material.empty)} held-back
rooms, long side 512. Models of ours run as in the command, with the refined edge and, in clips, the default smoothing;
an ONNX file runs as it is.</p>
<h2>Bars</h2>{table(*summary(evaluation))}
<h2>Slices</h2>{slice_table(evaluation)}{meanings()}
<h2>Clips</h2><p>dtSSD ×10⁻²: {DTSSD}.</p>{clip_table(evaluation)}
<h2>Empty rooms</h2><p>Mean alpha where nobody is, %.</p>{empty_table(evaluation)}
<h2>Cost</h2>{cost_table(evaluation)}
<h2>Pictures</h2><p>Sorted by the error of {escape(first)}, the worst first.</p><nav>{links}</nav>
{gallery(evaluation, contenders, say)}
</body></html>
"""


def summary(evaluation: Evaluation) -> tuple[list[str], list[list[Cell]]]:
    """Headings and rows of the headline table: the bars, then each model; last the network's time as it is used."""
    bars = {bar.figure: bar for bar in BARS}
    headings = ["model", *(bar.heading for bar in bars.values()), "as used, ms"]
    rows = [[Cell("bar"), *(Cell("" if bar.model else limit(bar)) for bar in bars.values()), Cell("")]]
    for result in evaluation.results:
        headline = result.headline(evaluation.material.validation)
        asked = {bar.figure: bar for bar in BARS if bar.model in ("", result.model)}
        cells = (cell(bars[figure], asked.get(figure), headline[figure]) for figure in bars)
        rows.append([Cell(result.model), *cells, Cell(f"{result.speed.network_ms:.1f}")])
    return headings, rows


def cell(form: Bar, asked: Bar | None, value: float | None) -> Cell:
    """A figure in the form of its column, held to the bar that is for its model."""
    if value is None:
        return Cell("–")
    text = f"{value * form.scale:.{form.digits}f}"
    if asked is None:
        return Cell(text)
    return Cell(f"{text} ({limit(asked)})" if asked.model else text, asked.passes(value))


def limit(bar: Bar) -> str:
    sign, value = ("≥", bar.least) if bar.least is not None else ("≤", bar.most)
    return f"{sign} {(value or 0.0) * bar.scale:g}"


def table(headings: Sequence[str], rows: Sequence[Sequence[Cell]], *, titles: int = 1) -> str:
    """Rows of cells; the first column, or the first two, are titles."""
    kind = " class=titles" if titles > 1 else ""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(each.html() for each in row)}</tr>\n" for row in rows)
    return f"<table{kind}><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>\n"


def slice_table(evaluation: Evaluation) -> str:
    """All figures of each slice: a line for each model."""
    material = evaluation.material
    parts = [("validation", material.validation), *((part.name, part.pictures) for part in material.slices)]
    rows = []
    for name, pictures in parts:
        for number, result in enumerate(evaluation.results):
            figures = result.mean(pictures)
            titles = [f"{name} ({len(pictures)})" if number == 0 else "", result.model]
            rows.append([*map(Cell, titles), *(Cell(column.text(figures[column.figure])) for column in COLUMNS)])
    return table(["slice (pictures)", "model", *(column.heading for column in COLUMNS)], rows, titles=2)


def meanings() -> str:
    """What the figures are."""
    lines = "".join(f"<li>{escape(column.heading)}: {escape(column.meaning)}</li>" for column in COLUMNS)
    return f"<details><summary>What the figures are</summary><ul>{lines}</ul></details>\n"


def clip_table(evaluation: Evaluation) -> str:
    """A line for each clip, the worst of the first model first."""
    results = evaluation.results
    names = sorted(results[0].clips, key=lambda name: results[0].clips[name]["dtssd"], reverse=True)
    headings = ["clip", *(f"{r.model}: {what}" for r in results for what in ("dtSSD", "IoU", "MAD ×10⁻³"))]
    rows = []
    for name in names:
        row = [Cell(name)]
        for result in results:
            f = result.clips[name]
            row += [Cell(f"{f['dtssd'] * 1e2:.2f}"), Cell(f"{f['iou']:.4f}"), Cell(f"{f['mad'] * 1e3:.1f}")]
        rows.append(row)
    return table(headings, rows)


def empty_table(evaluation: Evaluation) -> str:
    """A line for each room that some model sees somebody in; the others give nothing to read."""
    results = evaluation.results
    names = sorted(results[0].empty, key=results[0].empty.__getitem__, reverse=True)
    seen = [name for name in names if any(r.empty[name] >= SEEN for r in results)]
    rows = [[Cell(name), *(Cell(f"{r.empty[name] * 1e2:.2f}") for r in results)] for name in seen]
    rest = len(names) - len(seen)
    note = f"<p>The other {rest}: below {SEEN:.1%} with each model.</p>" if rest else ""
    return table(["room", *(r.model for r in results)], rows) + note


def cost_table(evaluation: Evaluation) -> str:
    """Time, parameters and operations, with what is published of others."""
    height, width = FRAME
    rows = [cost_row(result.model, result.device, result.speed) for result in evaluation.results]
    for other in PUBLISHED:
        figures = [f"{other.network_ms:.1f} *", "", count(other.parameters), count(other.macs)]
        rows.append([Cell(t) for t in (other.name, "", f"{other.size[1]} × {other.size[0]}", *figures)])
    headings = ["model", "device", "size", "network, ms", f"{width} × {height} to matte, ms", "parameters", "MACs"]
    return (
        f"<p>Medians of runs in turns, all models in one run: {escape(evaluation.machine)}. Multiply-accumulates "
        f"(MACs) are of convolutions and matrix products for one frame, at the size given.</p>{table(headings, rows)}"
        "<p>* ONNX Runtime, two threads of a shared server (Zen 4), measured by this project at another time; "
        f"there RobustVideoMatting took {RVM_SMALL_MS} ms at 256 × 144.</p>"
    )


def cost_row(model: str, device: str, speed: Speed) -> list[Cell]:
    size = f"{speed.size[1]} × {speed.size[0]}"
    times = [f"{speed.network_ms:.1f}", f"{speed.whole_ms:.1f}"]
    counts = ["–" if n is None else count(n) for n in (speed.parameters, speed.macs)]
    return [Cell(text) for text in (model, device, size, *times, *counts)]


def count(number: float) -> str:
    """A number in thousands, millions or thousands of millions."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"
