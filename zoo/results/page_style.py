"""The look of the pages, by day and by night, and the few lines of script that sort its tables."""

STYLE = """
:root { --ink: #222; --faint: #666; --line: #ddd; --paper: #fff; --card: #f5f7f9; --accent: #005a8f;
  --best: #e3f0f8; --warn: #fdf1e3; --warn-line: #d55e00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --faint: #a0a0a0; --line: #3a3f45; --paper: #16191d; --card: #20252b; --accent: #7cc0ec;
    --best: #1d3345; --warn: #3a2a18; --warn-line: #e08d4c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.15rem; font-weight: 600; color: var(--faint); margin: 0 0 .75rem; }
h2 { font-size: 1.1rem; margin: 2.75rem 0 .75rem; }
.answer { font-size: 1.35rem; line-height: 1.45; margin: 0 0 1.25rem; }
.warning { background: var(--warn); border-left: 4px solid var(--warn-line); padding: .6rem .9rem; margin: .6rem 0; }
.faint { color: var(--faint); }
a { color: var(--accent); }
code { font: .85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.25rem; margin: 1rem 0; font-size: .92rem; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .38rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 600; border-bottom-width: 2px; }
th.n, td.n { text-align: right; }
.sortable th { cursor: pointer; } .sortable th:hover { color: var(--ink); }
th[aria-sort=ascending]::after { content: " \\2191"; } th[aria-sort=descending]::after { content: " \\2193"; }
tr.best td { background: var(--best); font-weight: 600; }
.badge { font-size: .72rem; font-weight: 600; padding: .05rem .4rem; border-radius: .6rem; margin-left: .3rem;
  background: var(--accent); color: var(--paper); }
.badge.tie { background: none; color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
button { font: inherit; margin-top: .75rem; padding: .35rem .9rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--card); color: var(--ink); cursor: pointer; }
figure { margin: 0; } figure img { display: block; max-width: 100%; height: auto; background: #fff; padding: .75rem;
  border: 1px solid var(--line); border-radius: .5rem; }
pre { font: .88rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; padding: .8rem 1rem; margin: 0; overflow-x: auto; }
pre.prose { font: 1rem/1.6 Georgia, "Times New Roman", serif; white-space: pre-wrap; max-width: 46rem; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: .25rem 2.5rem; }
.columns h3 { font-size: .95rem; margin: 1rem 0 0; } .columns dl { margin: .3rem 0 .5rem; }
h2 + .columns h3 { margin-top: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 0 2rem; }
.figures .wide { grid-column: 1 / -1; }
figcaption { color: var(--faint); font-size: .92rem; margin-top: .5rem; max-width: 50rem; }
ul { padding-left: 1.2rem; } li { margin: .3rem 0; }
summary { cursor: pointer; margin-bottom: .75rem; }
@media print { button, summary { display: none; } main { max-width: none; } }
"""

SCRIPT = """
for (const button of document.querySelectorAll("button.more")) button.onclick = () => {
  for (const row of document.querySelectorAll("tr[hidden]")) row.hidden = false;
  button.remove();
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      document.querySelector("button.more")?.click();  // the first of a part would not be the first of all
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(one => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
      const number = text => text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [number(key(a)), number(key(b))];
        if (Number.isNaN(x) && Number.isNaN(y)) return key(a).localeCompare(key(b), undefined, { numeric: true });
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return x < y ? -1 : x > y ? 1 : 0;
      });
      if (!up) rows.reverse();
      table.tBodies[0].append(...rows);
    };
    head.onclick = sort;
    head.onkeydown = event => { if (event.key === "Enter") sort(); };
  });
}
"""
