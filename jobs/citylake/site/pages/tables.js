"use strict";
// Tables of class `list` get a field that hides rows without its words, and headings that sort.
(() => {
  const number = (text) => {
    const bare = text.replace(/[,\s%✓✗]/g, "");
    return bare !== "" && !isNaN(bare) ? Number(bare) : null;
  };
  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x !== null ? -1 : 1;
    return a.localeCompare(b, document.documentElement.lang);
  };
  const cell = (row, column) => (row.cells[column] ? row.cells[column].textContent.trim() : "");
  for (const table of document.querySelectorAll("table.list")) {
    const body = table.tBodies[0];
    if (!table.tHead || !body || body.rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.append(...head.childNodes);
      button.type = "button";
      head.append(button);
      button.onclick = () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].sort((a, b) => compare(cell(a, column), cell(b, column)));
        body.append(...(down ? rows.reverse() : rows));
      };
    });
    if (body.rows.length < 9) continue;
    const label = document.createElement("label"), field = document.createElement("input");
    const told = document.createElement("output");
    label.className = "filter";
    field.type = "search";
    label.append(document.body.dataset.filter + " ", field, " ", told);
    table.before(label);
    field.oninput = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((w) => text.includes(w));
        shown += !row.hidden;
      }
      told.textContent = words.length ? shown + " / " + body.rows.length : "";
    };
  }
})();
