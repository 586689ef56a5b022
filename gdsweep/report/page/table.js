// Sorting, filtering and choosing the columns of one table, whose markup is html_table.py's.

/** Rows that were opened below a row, which stay with it. */
const openedBelow = new WeakMap();

/** Make a table one that can be worked with: tools above it, sorting heads, a sign of what is hidden. */
function workOn(table) {
  const state = memory.read(`table ${table.id}`, { words: "", show: "", hidden: [], sort: null });
  const rows = [...table.tBodies].flatMap((body) =>
    [...body.rows].filter((row) => !row.matches(".group, .opened")).map((row) => ({ row, body })),
  );
  const heads = [...table.tHead.querySelectorAll("button.sort")].map((button) => button.parentElement);
  const found = element("output", { "aria-live": "polite" });
  const columns = columnGroups(table, heads);
  forgetWhatIsGone(table, state, heads);

  function apply() {
    sortRows(table, rows, heads, state.sort);
    filterRows(table, rows, state, found);
    hideColumns(table, heads, columns, state.hidden);
    memory.write(`table ${table.id}`, state);
    table.dispatchEvent(new Event("change"));
  }
  heads.forEach((head, column) => {
    head.querySelector(".sort").addEventListener("click", () => {
      state.sort = nextSort(state.sort, column, column > 0 && !("lower" in head.dataset));
      apply();
    });
  });
  const tools = toolsOf(table, state, columns, found, apply);
  table.closest(".frame").before(element("div", { class: "table-tools" }, tools, signOfMore(table, heads)));
  apply();
}

/** The page may have been written anew since: without the column, or the kind of row. */
function forgetWhatIsGone(table, state, heads) {
  if (state.sort && !(state.sort.column in heads)) state.sort = null;
  if (!statesIn(table).some(([selector]) => selector === state.show)) state.show = "";
}

/** First the best (or the first by letter), then the other way, then the table's own order. */
function nextSort(before, column, descending) {
  if (before?.column !== column) return { column, descending };
  return before.descending === descending ? { column, descending: !descending } : null;
}

function sortRows(table, rows, heads, sort) {
  heads.forEach((head, column) => {
    const order = sort?.descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", sort?.column === column ? order : "none");
  });
  table.classList.toggle("apart", sort !== null);
  let ordered = rows;
  if (sort !== null) {
    const way = sort.descending ? -1 : 1;
    ordered = rows
      .map(({ row }) => ({ row, body: table.tBodies[0], key: sortKey(row.cells[sort.column]) }))
      .sort((a, b) => {
        if (a.key === b.key) return 0;
        if (a.key === null || b.key === null) return a.key === null ? 1 : -1; // holes stay last
        return a.key < b.key ? -way : way;
      });
  }
  for (const { row, body } of ordered) body.append(row, ...(openedBelow.get(row) ?? []));
}

function sortKey(cell) {
  if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
  if (cell.matches("th, .words td")) return cell.textContent.toLowerCase();
  const number = parseFloat(cell.textContent.replace(/[≈,\s]/g, ""));
  return Number.isNaN(number) ? null : number;
}

/** Show the rows that hold all words in their labels (of words: anywhere) and the state asked for. */
function filterRows(table, rows, state, found) {
  const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { row } of rows) {
    const text = (table.matches(".words") ? row : row.cells[0]).textContent.toLowerCase();
    const fits =
      words.every((word) => text.includes(word)) && (!state.show || row.querySelector(state.show));
    row.hidden = !fits;
    for (const below of openedBelow.get(row) ?? []) below.hidden = !fits;
    shown += Boolean(fits);
  }
  for (const group of table.querySelectorAll("tr.group")) {
    const left = [...group.parentElement.rows].some((row) => row !== group && !row.hidden);
    group.hidden = table.classList.contains("apart") || !left;
  }
  found.textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
}

/** What is shown or hidden together: the outermost heads, or single columns where there are none. */
function columnGroups(table, heads) {
  const over = [...table.tHead.querySelectorAll('.over[data-level="0"]')];
  if (over.length > 1) {
    return over.map((head) => ({
      name: head.textContent, first: Number(head.dataset.first), last: Number(head.dataset.last),
    }));
  }
  const single = heads.slice(1).map((head, i) => ({ name: head.textContent, first: i, last: i }));
  return single.length > 2 ? single : [];
}

function hideColumns(table, heads, groups, hidden) {
  const off = heads.slice(1).map((_, i) =>
    groups.some(({ name, first, last }) => hidden.includes(name) && first <= i && i <= last),
  );
  for (const row of [table.tHead.rows[table.tHead.rows.length - 1], ...table.querySelectorAll("tbody tr")]) {
    if (row.matches(".group, .opened")) continue;
    const shift = row.cells.length - off.length; // the corner is in the first line of the head
    off.forEach((gone, i) => (row.cells[i + shift].hidden = gone));
  }
  for (const over of table.tHead.querySelectorAll(".over")) {
    const mine = off.slice(Number(over.dataset.first), Number(over.dataset.last) + 1);
    over.colSpan = Math.max(mine.filter((gone) => !gone).length, 1);
    over.hidden = mine.every(Boolean);
  }
}

const STATES = [
  ["", "every row"],
  [".hole", "with a hole"],
  ['[data-verdict="below"]', "with a number below the published"],
  ['[data-verdict="above"]', "with a number above the published"],
  ['[data-verdict="within"]', "with a number within"],
];

function statesIn(table) {
  return STATES.filter(([selector]) => !selector || table.querySelector(`tbody ${selector}`));
}

function toolsOf(table, state, groups, found, apply) {
  const words = element("input", {
    type: "search", placeholder: "words of a row", value: state.words,
    input: (event) => ((state.words = event.target.value), apply()),
  });
  const present = statesIn(table);
  const show = element(
    "select", { change: (event) => ((state.show = event.target.value), apply()) },
    ...present.map(([value, text]) => element("option", { value, selected: value === state.show }, text)),
  );
  const boxes = groups.map(({ name }) => {
    const change = (event) => {
      state.hidden = state.hidden.filter((other) => other !== name);
      if (!event.target.checked) state.hidden.push(name);
      apply();
    };
    const checked = !state.hidden.includes(name);
    return element("label", {}, element("input", { type: "checkbox", checked, change }), name);
  });
  const details = detailBoxes(table);
  const first = !table.closest(".parts") && !table.id.startsWith("beside");
  const wide = matchMedia("(min-width: 48rem)").matches;
  return element(
    "details", { class: "tools", open: wide && first },
    element("summary", {}, "Filter and columns"),
    element(
      "div", { class: "toolbar" },
      element("label", {}, "Filter ", words, found),
      present.length > 1 ? element("label", {}, "Rows ", show) : undefined,
      boxes.length ? element("fieldset", {}, element("legend", {}, "Columns"), ...boxes) : undefined,
      details.length ? element("fieldset", {}, element("legend", {}, "Beside each number"), ...details) : undefined,
    ),
  );
}

/** What stands under the numbers can be left out: the table gets smaller. */
function detailBoxes(table) {
  const parts = [
    ["published", "published", true], ["difference", "difference", false],
    ["interval", "95 % interval", true], ["at", "checkpoint", false],
  ];
  return parts.flatMap(([kind, name, usual]) => {
    if (!table.querySelector(`small.${kind}`)) return [];
    const key = `${kind} ${table.id}`;
    const set = (on) => table.classList.toggle(`no-${kind}`, !on);
    const checked = memory.read(key, usual);
    set(checked);
    const change = (event) => {
      memory.write(key, event.target.checked);
      set(event.target.checked);
      table.dispatchEvent(new Event("change"));
    };
    return [element("label", {}, element("input", { type: "checkbox", checked, change }), name)];
  });
}

/** A button that names the columns out of sight, and scrolls to them. */
function signOfMore(table, heads) {
  const scroll = table.closest(".scroll");
  const more = element("button", {
    type: "button", class: "more", hidden: true,
    click: () => scroll.scrollBy({ left: 0.75 * (scroll.clientWidth - heads[0].offsetWidth), behavior: "smooth" }),
  });
  const look = () => {
    const edge = scroll.getBoundingClientRect().right;
    const gone = heads.slice(1).filter((head) => !head.hidden && head.getBoundingClientRect().right > edge + 2);
    const over = [...table.tHead.querySelectorAll('.over[data-level="0"]')]
      .filter((head) => !head.hidden && head.getBoundingClientRect().right > edge + 2)
      .map((head) => head.textContent);
    more.hidden = gone.length === 0;
    const count = `${gone.length} more column${gone.length === 1 ? "" : "s"}`;
    const named = over.length && scroll.clientWidth > 640 ? ` (${over.join(", ")})` : "";
    more.textContent = `${count}${named} →`;
    scroll.classList.toggle("more-right", gone.length > 0);
    scroll.classList.toggle("more-left", scroll.scrollLeft > 2);
  };
  scroll.addEventListener("scroll", look, { passive: true });
  table.addEventListener("change", look);
  new ResizeObserver(look).observe(scroll);
  return more;
}
