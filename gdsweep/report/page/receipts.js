// Receipts: a number opens below its row what made it, down to runs, attempts and files.

/** Open or fold what belongs to a button of a table's row. */
function toggleBelow(button, title, make) {
  const row = button.closest("tr");
  const open = openedBelow.get(row) ?? [];
  const mine = open.find((below) => below.dataset.of === button.id);
  button.setAttribute("aria-expanded", String(!mine));
  const kept = memory.read("open", []).filter((id) => id !== button.id);
  memory.write("open", mine ? kept : [...kept, button.id]);
  if (mine) {
    openedBelow.set(row, open.filter((below) => below !== mine));
    mine.remove();
    return;
  }
  const fold = () => {
    toggleBelow(button, title, make);
    button.focus();
  };
  const sheet = element(
    "div", {
      class: "sheet", role: "region", "aria-label": title,
      keydown: (event) => event.key === "Escape" && fold(),
    },
    element("button", { type: "button", class: "fold", click: fold }, "Fold"),
    element("h3", {}, title),
    ...make(),
  );
  const span = row.closest("table").querySelectorAll("button.sort").length;
  const below = element("tr", { class: "opened", "data-of": button.id }, element("td", { colspan: span }, sheet));
  openedBelow.set(row, [...open, below]);
  (open.at(-1) ?? row).after(below);
}

/** The words that lead to a number: its row's and its column's. */
function nameOf(button) {
  const cell = button.closest("td");
  const table = cell.closest("table");
  const column = cell.cellIndex - 1;
  const over = [...table.tHead.querySelectorAll(".over")]
    .filter((head) => Number(head.dataset.first) <= column && column <= Number(head.dataset.last))
    .map((head) => head.textContent);
  const head = table.tHead.querySelectorAll("button.sort")[column + 1].textContent;
  const label = [...cell.parentElement.cells[0].childNodes].map((node) => node.textContent);
  const part = table.closest(".part")?.querySelector("h3").textContent;
  return [...(part ? [part] : []), ...label, ...over, head].join(", ");
}

function toggleReceipt(button) {
  const cells = button.dataset.cells.split(" ").map((place) => data.cells[place]);
  const { published } = button.dataset;
  toggleBelow(button, `${nameOf(button)}: ${button.textContent}`, () => [
    ...(published ? [element("p", {}, `published ${published}`)] : []),
    ...(cells.length === 1
      ? receiptOf(cells[0])
      : cells.map((cell) => folded(`${cell.label}: ${cell.value}`, () => receiptOf(cell)))),
  ]);
}

function receiptOf(cell) {
  return [
    element("p", { class: "quiet" }, cell.label),
    listOf(cell.facts),
    ...cell.chain.map(([part, name]) => folded(`${part}: ${name}`, () => runOf(name), { class: "run" })),
    ...curveButtons(cell.chain.map(([, name]) => name)),
  ];
}

function runOf(name) {
  const run = data.runs[name];
  const users = Object.values(data.cells).flatMap((cell) =>
    cell.chain.filter(([, other]) => other === name).map(([part]) => `${cell.label} (${part})`),
  );
  const lines = run.attempts.length ? run.attempts : ["none yet"];
  return [
    listOf(run.facts),
    element("h4", {}, "Attempts"),
    element("ul", {}, ...lines.map((line) => element("li", {}, line))),
    folded(`Used by ${users.length} number${users.length === 1 ? "" : "s"}`, () =>
      element("ul", {}, ...users.map((line) => element("li", {}, line))),
    ),
  ];
}

function listOf(facts) {
  return element(
    "dl", {},
    ...facts.flatMap(([label, text, address]) => [
      element("dt", {}, label),
      element("dd", {}, address ? element("a", { href: address }, text) : text),
    ]),
  );
}

/** All runs as a table of its own, made when it is opened. */
function runsTable() {
  const names = Object.keys(data.runs);
  const heads = ["Run", "Objective", "Spent", "Last attempt", "Log"];
  const sorter = (text) => element("button", { type: "button", class: "sort" }, text);
  const table = element(
    "table", { class: "numbers ungrouped words", id: "run" },
    element(
      "thead", {},
      element("tr", {}, ...heads.map((text, i) => element("th", { scope: "col", class: i ? "" : "stub" }, sorter(text)))),
    ),
    element("tbody", {}, ...names.map((name, place) => runRow(name, place))),
  );
  const scroll = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Runs" }, table);
  const holder = element("div", {}, element("div", { class: "frame" }, scroll));
  workOn(table);
  return holder;
}

function runRow(name, place) {
  const run = data.runs[name];
  const facts = Object.fromEntries(run.facts.map(([label, ...told]) => [label, told]));
  const open = element("button", {
    type: "button", class: "value", "aria-expanded": "false", id: `run-${place + 1}`,
    click: () => toggleBelow(open, name, () => runOf(name)),
  }, name);
  const [text, address] = facts.log;
  const log = address ? element("a", { href: address, title: text }, "log") : "not there";
  return element(
    "tr", {},
    element("th", { scope: "row", class: "stub" }, open),
    element("td", {}, facts.objective[0]),
    element("td", { "data-sort": run.processor_hours }, run.spent),
    element("td", {}, run.attempts.at(-1) ?? "none yet"),
    element("td", {}, log),
  );
}

function startReceipts() {
  for (const button of document.querySelectorAll("td button.value")) {
    button.addEventListener("click", () => {
      toggleReceipt(button);
      history.replaceState(null, "", `#${button.id}`); // an address that leads here again
      openedBelow.get(button.closest("tr"))?.at(-1)?.scrollIntoView({ block: "nearest" });
    });
  }
  const runs = document.querySelector(".runs");
  const count = Object.keys(data.runs).length;
  runs?.append(folded(`${count} run${count === 1 ? "" : "s"}`, runsTable));
  for (const id of memory.read("open", [])) {
    const button = document.getElementById(id);
    if (button?.matches("td button.value")) toggleReceipt(button);
  }
}
