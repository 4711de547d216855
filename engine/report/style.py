"""How the page looks, and the few lines of script that read values out under the pointer."""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE", "SYMBOLS"]

# Blue and orange are told apart by every kind of colour vision; shape, sign or hatching says the same once more.
STYLE = """\
:root {
  color-scheme: light dark;
  --paper: #fff; --panel: #f6f7f9; --ink: #1a1f26; --soft: #5c6673; --line: #dfe3e8; --grid: #e9ecf0;
  --gain: #0a63ab; --loss: #b94a08; --curve: #24425f; --range: #9fb0c2; --lock: #b58300; --bad: #a3200d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #13161a; --panel: #1b1f25; --ink: #e4e7eb; --soft: #98a3b0; --line: #2d333b; --grid: #252b32;
    --gain: #62b2f2; --loss: #f0914f; --curve: #b7cde4; --range: #55687c; --lock: #d8a72f; --bad: #ff8a75;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 28px 28px 48px; max-width: 1240px; background: var(--paper); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
}
h1, h2, p, dl, dd, figure { margin: 0; }
h1 { font-size: 25px; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 15px; font-weight: 650; }
code { font: 12px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
a { color: inherit; }
.soft { color: var(--soft); }
.gain { color: var(--gain); }
.loss { color: var(--loss); }

header { display: grid; grid-template-columns: 1fr auto; gap: 4px 24px; align-items: start; }
header .kicker, header .period, header nav { grid-column: 1 / -1; color: var(--soft); }
header .kicker { font-size: 12px; letter-spacing: .02em; }
.outcome { padding: 3px 11px; border: 1px solid currentColor; border-radius: 99px; font-weight: 600; font-size: 13px; }
.outcome::first-letter { text-transform: uppercase; }
.outcome.completed { color: var(--gain); }
.outcome.failed { color: var(--bad); }
.outcome.open { color: var(--lock); }
nav { display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 8px; font-size: 13px; }
nav a { text-decoration: none; border-bottom: 1px solid var(--line); }
nav a:hover { border-color: currentColor; }
.note {
  margin-top: 16px; padding: 9px 14px; border-left: 3px solid var(--lock); background: var(--panel);
  overflow-wrap: anywhere;
}
.note.failed { border-color: var(--bad); }

.key { display: grid; grid-template-columns: repeat(8, 1fr); gap: 1px; margin-top: 20px;
  background: var(--line); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.key div { padding: 11px 14px 12px; background: var(--paper); min-width: 0; }
.key dt { color: var(--soft); font-size: 12px; }
.key dd { font-size: 20px; font-weight: 620; line-height: 1.3; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.key dd.more { color: var(--soft); font-size: 12px; font-weight: 400; white-space: normal; }

section { margin-top: 34px; }
section > .head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; padding-bottom: 7px;
  border-bottom: 1px solid var(--line); }
.head .soft { font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-left: auto; color: var(--soft); font-size: 12px; }
.legend svg { width: 13px; height: 11px; margin-right: 5px; vertical-align: -1px; overflow: visible; }

.plot { position: relative; padding: 12px 2px 0 68px; }
.plot output { display: block; min-height: 20px; color: var(--soft); font-size: 12px;
  font-variant-numeric: tabular-nums; }
.chart { display: block; overflow: visible; }
.chart + .chart { margin-top: 12px; }
.chart text { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
.chart .value { text-anchor: end; }
.chart .moment { text-anchor: middle; }
.chart .first { text-anchor: start; }
.chart .last { text-anchor: end; }
.chart path, .chart line { vector-effect: non-scaling-stroke; fill: none; pointer-events: none; }
.chart .grid { stroke: var(--grid); }
.chart .axis, .chart .tick { stroke: var(--line); }
.chart .level { stroke: var(--soft); stroke-dasharray: 2 4; }
.chart .zero { stroke: var(--soft); }
.chart .cross { stroke: var(--soft); }
.chart .equity, .chart .close { stroke: var(--curve); stroke-width: 1.4; stroke-linejoin: round; }
.chart .close { stroke-width: 1.1; }
.chart path.under { fill: var(--curve); opacity: .07; }
.chart path.range { fill: var(--range); opacity: .45; }
.chart .drawdown { stroke: var(--loss); stroke-width: 1; stroke-linejoin: round; }
.chart path.fallen { fill: var(--loss); opacity: .16; }
.chart .win, .sample .win { fill: var(--gain); }
.chart .loss, .sample .loss { fill: var(--loss); }
.buy, .buys { fill: var(--gain); }
.sell, .sells { fill: var(--loss); }
.chart .buy, .chart .sell { stroke: var(--paper); stroke-width: .8; }
.chart rect.win:hover, .chart rect.loss:hover, .chart use:hover { opacity: .65; }
.lock { fill: url(#hatch); stroke: var(--lock); stroke-opacity: .55; stroke-width: 1; }
#hatch path { stroke: var(--lock); stroke-opacity: .55; stroke-width: 1.4; }
#hatch rect { fill: var(--lock); fill-opacity: .14; }

.groups { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px 32px; }
.groups table { align-self: start; margin-top: 10px; }
.groups caption { font-weight: 600; text-align: left; padding: 6px 0 4px; }
.groups td { text-align: right; padding: 4px 0; }
.groups tbody th { padding: 4px 12px 4px 0; white-space: normal; }

.scroll { overflow: auto; max-height: 470px; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--gain); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 10px; text-align: left; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 2px; }
tbody tr + tr > * { border-top: 1px solid var(--grid); }
thead th { position: sticky; top: 0; z-index: 1; background: var(--paper); color: var(--soft); font-weight: 500;
  font-size: 12px; box-shadow: inset 0 -1px var(--line); }
tbody th { font-weight: 400; }
.groups tbody th { color: var(--soft); }
.num { text-align: right; }
td.why { min-width: 200px; white-space: normal; overflow-wrap: anywhere; }
td.few { min-width: 90px; white-space: normal; }
tbody tr:hover > * { background: var(--panel); }
.more { margin-top: 8px; color: var(--soft); font-size: 13px; }
summary { cursor: pointer; padding: 8px 0; color: var(--soft); }
.empty { padding-top: 10px; color: var(--soft); }
footer { margin-top: 40px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--soft); font-size: 12px;
  overflow-wrap: anywhere; }

@media (max-width: 1120px) {
  .key { grid-template-columns: repeat(4, 1fr); }
  .groups { grid-template-columns: 1fr 1fr; }
}
@media (max-width: 640px) {
  body { padding: 18px 14px 36px; font-size: 14px; }
  h1 { font-size: 21px; }
  section { margin-top: 28px; }
  .key { grid-template-columns: 1fr 1fr; }
  .groups { grid-template-columns: 1fr; }
  .key div { padding: 9px 11px 10px; }
  .key dd { font-size: 17px; }
  .plot { padding-left: 58px; }
  .chart .spare { display: none; }
  .legend { margin-left: 0; }
}
@media print {
  :root { --paper: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #bbb; --grid: #ddd; --gain: #0a63ab;
    --loss: #b94a08; --curve: #24425f; --range: #9fb0c2; --lock: #b58300; --bad: #a3200d; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  nav, .plot output { display: none; }
  .scroll { max-height: none; overflow: visible; }
  thead th { position: static; }
  .plot, .key, .groups table { break-inside: avoid; }
  section > .head { break-after: avoid; }
  table { font-size: 8pt; }
  td, th { white-space: normal; padding: 2px 5px; }
}
"""

SYMBOLS = """\
<svg width="0" height="0" aria-hidden="true" style="position:absolute">
<defs>
<symbol id="buy" overflow="visible"><path d="M0 0 4.5 8h-9z"/></symbol>
<symbol id="sell" overflow="visible"><path d="M0 0 4.5-8h-9z"/></symbol>
<symbol id="buys" overflow="visible"><path d="M0 1.5 2.6 6h-5.2z"/></symbol>
<symbol id="sells" overflow="visible"><path d="M0-1.5 2.6-6h-5.2z"/></symbol>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6"/><path d="M0 0V6"/></pattern>
</defs>
</svg>"""

SCRIPT = """\
"use strict";
const stretches = JSON.parse(document.getElementById("axis").textContent);
const when = share => {
  const found = stretches.find(each => share <= each[3]) || stretches[stretches.length - 1];
  const [start, end, left, right] = found;
  const inside = right > left ? Math.min(1, Math.max(0, (share - left) / (right - left))) : 0;
  return new Date((start + (end - start) * inside) * 1000).toISOString().slice(0, 16).replace("T", " ");
};
for (const plot of document.querySelectorAll(".plot")) {
  const output = plot.querySelector("output");
  const lines = [...plot.querySelectorAll("path[data-name]")].map(path => ({
    path,
    chart: path.closest(".chart"),
    places: path.getAttribute("d").slice(1).split("L").map(point => parseFloat(point) / 1000),
    values: path.dataset.values.split(" ").map(Number),
  }));
  if (!output || !lines.length) continue;
  const usual = output.textContent;
  for (const line of lines) {
    line.cross = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.cross.setAttribute("class", "cross");
    line.cross.setAttribute("y2", line.chart.height.baseVal.value - 22);
    line.cross.setAttribute("visibility", "hidden");
    line.chart.append(line.cross);
  }
  plot.addEventListener("pointermove", event => {
    const box = lines[0].chart.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const told = lines.map(({path, places, values, cross}) => {
      let low = 0, high = places.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (places[middle] < share) low = middle + 1; else high = middle;
      }
      const near = low && share - places[low - 1] < places[low] - share ? low - 1 : low;
      cross.setAttribute("x1", share * 100 + "%");
      cross.setAttribute("x2", share * 100 + "%");
      cross.setAttribute("visibility", "visible");
      const digits = +path.dataset.decimals;
      const value = values[near].toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
      return path.dataset.name + " " + value + path.dataset.unit;
    });
    output.textContent = [when(share) + " UTC", ...told].join("  \\u00b7  ");
  });
  plot.addEventListener("pointerleave", () => {
    output.textContent = usual;
    for (const {cross} of lines) cross.setAttribute("visibility", "hidden");
  });
}
"""
