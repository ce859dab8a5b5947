"""How the page looks: light, dark by the reader's own setting, on paper, and with the fonts of their machine."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --panel: #ffffff; --ink: #17202b; --soft: #55606e; --line: #dde2e8;
  --right: #0b6fb8; --other: #a9b4c1; --sample: #8a63c7; --mark: #c2410c; --band: #c2410c26;
  --case: #b3261e; --good: #0f6b4a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --panel: #19212b; --ink: #e7ecf2; --soft: #a3afbd; --line: #2f3a47;
    --right: #58b0f2; --other: #56636f; --sample: #b596ea; --mark: #ff9a5c; --band: #ff9a5c30;
    --case: #ff8a80; --good: #6fd3a6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 0 0 .4rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
p { margin: .3rem 0 .8rem; max-width: 46rem; }
.soft, figcaption, caption { color: var(--soft); }
.lead { font-size: 1.15rem; margin: 1rem 0; }
.honest { border-left: 4px solid var(--mark); padding: .15rem .9rem; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1.2rem 1.3rem; margin: 1.1rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .8rem; margin: 1.2rem 0;
  padding: 0; list-style: none; }
.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem; }
.tiles .name { color: var(--soft); font-size: .9rem; }
.tiles .figure { display: block; font-size: 2rem; line-height: 1.25; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.tiles .beside { font-size: .9rem; color: var(--soft); }
figure { margin: .6rem 0 0; }
figcaption { font-size: .9rem; margin-bottom: .3rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
.grid { stroke: var(--line); stroke-width: 1; }
.over { fill: transparent; }
.over:hover { fill: var(--band); }
.mark { stroke: var(--mark); stroke-width: 2; stroke-dasharray: 7 5; }
.mark.ceiling { stroke: var(--soft); stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 2.5; }
rect.right, circle.right { fill: var(--right); } .line.right { stroke: var(--right); }
rect.other, circle.other { fill: var(--other); } .line.other { stroke: var(--other); stroke-dasharray: 6 4; }
rect.sample { fill: var(--sample); } rect.case { fill: var(--case); } rect.band { fill: var(--band); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .2rem 0; padding: 0; list-style: none;
  font-size: .9rem; }
.key { display: inline-block; width: .85em; height: .85em; margin-right: .45em; border-radius: 2px;
  vertical-align: -.05em; }
.key.right { background: var(--right); } .key.other { background: var(--other); }
.key.sample { background: var(--sample); } .key.case { background: var(--case); }
.key.band { background: var(--band); outline: 1px solid var(--mark); }
.key.budget, .key.ceiling { height: 0; border-top: 2px dashed var(--mark); border-radius: 0; width: 1.4em;
  vertical-align: .25em; }
.key.ceiling { border-top-color: var(--soft); border-top-style: dotted; }
.wide { overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; font-size: .9rem; padding-bottom: .3rem; }
th, td { text-align: left; padding: .32rem .8rem .32rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: break-word; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.meter { display: block; height: .5rem; margin-top: .5rem; min-width: 6rem;
  background: var(--line); border-radius: .25rem; }
.meter span { display: block; height: 100%; background: var(--right); border-radius: .25rem; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
ol.alerts { list-style: none; padding: 0; margin: .6rem 0; display: grid; gap: .7rem; }
ol.alerts > li { border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; }
ol.alerts ul { margin: .35rem 0 .2rem; padding-left: 1.2rem; }
.tag { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem;
  font-size: .82rem; margin: 0 .4rem .2rem 0; color: var(--soft); }
.tag.is-right { color: var(--good); } .tag.is-other { color: var(--case); }
.innocent { color: var(--soft); }
footer { color: var(--soft); font-size: .9rem; margin-top: 1.5rem; }
:focus-visible { outline: 2px solid var(--right); outline-offset: 2px; }
@media print {
  :root { --page: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #bbb; --right: #0b6fb8;
    --other: #a9b4c1; --sample: #8a63c7; --mark: #c2410c; --band: #c2410c26; --case: #b3261e; --good: #0f6b4a; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  section, ol.alerts > li, .tiles li { break-inside: avoid-page; }
  section.long { break-inside: auto; }
  details:not([open]), summary { display: none; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  thead th, .number { white-space: normal; }
  th, td { padding-right: .5rem; }
  .meter { min-width: 3rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
"""One sheet, in the page itself: nothing is fetched. Blue and grey are told apart by all, and never only by colour:
each part of a chart stands at its own place and in the table. On paper are those tables that the reader opened."""
