// Training curves of chosen runs in one chart, drawn by uPlot. The chart tells their values under the
// pointer, or under a cursor that the arrow keys move; a table below it holds them all.

const KEY_NAMES = { student: "student", teacher: "EMA teacher", precision: "right", coverage: "found" };
const COLOURS = 8;
const chart = { plot: null, drawn: [], chosen: [], measure: 0 };

const curveId = (curve) => (curve.panel ? `${curve.panel} · ${curve.name}` : curve.name);
/** What the chosen runs have in common, which heads their names. */
const commonPanel = () => {
  const panels = new Set(chart.chosen.map((curve) => curve.panel));
  return panels.size === 1 ? [...panels][0] : "";
};
const shortName = (curve) => (commonPanel() ? curve.name : curveId(curve));

function startCurves() {
  const place = document.querySelector(".curves");
  if (!place) return;
  const panels = [...new Set(data.curves.map((curve) => curve.panel))];
  const sets = panels.map((panel) => data.curves.filter((curve) => curve.panel === panel));
  const usual = sets.reduce((most, set) => (set.length > most.length ? set : most)).slice(0, COLOURS);
  const known = new Map(data.curves.map((curve) => [curveId(curve), curve]));
  const remembered = memory.read("curves", usual.map(curveId)).map((id) => known.get(id));
  chart.chosen = remembered.filter(Boolean);
  const measures = data.measures
    .map(([keys, label], value) => ({ keys, label, value }))
    .filter(({ keys }) => data.curves.some((curve) => keys.some((key) => curve.of[key])));
  const scored = measures.find(({ keys }) => keys.includes("student")) ?? measures[0];
  const asked = measures.find(({ value }) => value === memory.read("measure", scored.value));
  chart.measure = (asked ?? scored).value;
  const select = element(
    "select", { change: (event) => ((chart.measure = Number(event.target.value)), drawCurves()) },
    ...measures.map(({ value, label }) => element("option", { value, selected: value === chart.measure }, label)),
  );
  const canvas = element("div", {
    class: "chart", tabindex: 0, role: "application", keydown: moveByKey, blur: () => tellPoint(null),
    "aria-label": "Curves of the chosen runs; arrow keys move along them and between them",
  });
  place.append(
    element("div", { class: "toolbar" }, element("label", {}, "Show ", select), chooserOf()),
    canvas,
    element("p", { class: "spoken", "aria-live": "polite" }),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Values" }, element("table", { class: "readout" })),
    element("p", { class: "quiet" }, "Drag over the chart to see a part of it, click twice for all of it."),
  );
  drawCurves();
  new ResizeObserver(() => {
    const size = chartSize(canvas);
    if (chart.plot && size.width !== chart.plot.width) chart.plot.setSize(size);
  }).observe(canvas);
  document.addEventListener("colours", drawCurves);
}

const chartSize = (canvas) => ({ width: canvas.clientWidth, height: innerWidth < 640 ? 300 : 380 });

/** What is chosen among, by what the runs have in common; made when it is opened. */
function chooserOf() {
  return folded("Runs", choices, { class: "choose" });
}

function choices() {
  const panels = [...new Set(data.curves.map((curve) => curve.panel))];
  const boxes = data.curves.map((curve) => {
    const change = () => chooseCurve(curve, box.checked);
    const box = element("input", { type: "checkbox", checked: chart.chosen.includes(curve), change });
    box.curve = curve;
    const label = element("label", {}, box, curve.name);
    label.dataset.text = curveId(curve).toLowerCase();
    return { curve, label };
  });
  const sets = panels.map((panel) =>
    element(
      "fieldset", {}, element("legend", {}, panel || "runs"),
      ...boxes.filter(({ curve }) => curve.panel === panel).map(({ label }) => label),
    ),
  );
  const filter = (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const { label } of boxes) label.hidden = !words.every((word) => label.dataset.text.includes(word));
    for (const set of sets) set.hidden = !set.querySelector("label:not([hidden])");
  };
  const all = (on) => {
    const shown = boxes.filter(({ label }) => !label.hidden).map(({ curve }) => curve);
    chart.chosen = on
      ? [...chart.chosen, ...shown.filter((curve) => !chart.chosen.includes(curve))]
      : chart.chosen.filter((curve) => !shown.includes(curve));
    drawCurves();
  };
  return [
    element(
      "div", { class: "toolbar" },
      element("label", {}, "Filter ", element("input", { type: "search", placeholder: "words of a run", input: filter })),
      element("button", { type: "button", click: () => all(true) }, "All of these"),
      element("button", { type: "button", click: () => all(false) }, "None of these"),
    ),
    element("div", { class: "choices" }, ...sets),
  ];
}

function chooseCurve(curve, on) {
  chart.chosen = chart.chosen.filter((other) => other !== curve);
  if (on) chart.chosen.push(curve);
  drawCurves();
}

/** A receipt's way to the chart: buttons for the curves of its runs. */
function curveButtons(names) {
  const last = data.curves.find((curve) => curve.run === names.at(-1));
  if (!last) return [];
  const show = () => {
    if (!chart.chosen.includes(last)) chooseCurve(last, true);
    document.getElementById("curves").scrollIntoView();
  };
  return [element("button", { type: "button", click: show }, "Compare its curve")];
}

function drawCurves() {
  const place = document.querySelector(".curves");
  const canvas = place.querySelector(".chart");
  for (const box of place.querySelectorAll(".choices input")) box.checked = chart.chosen.includes(box.curve);
  place.querySelector(".choose summary").textContent = `Runs: ${chart.chosen.length} of ${data.curves.length}`;
  memory.write("curves", chart.chosen.map(curveId));
  memory.write("measure", chart.measure);
  const [keys, label] = data.measures[chart.measure];
  chart.drawn = chart.chosen.flatMap((curve, rank) =>
    keys.filter((key) => curve.of[key]).map((key) => ({ curve, key, rank, dashed: key !== keys[0] })),
  );
  chart.plot?.destroy();
  chart.plot = null;
  canvas.replaceChildren();
  makeReadout(place.querySelector(".readout"), keys);
  if (!chart.drawn.length) {
    canvas.append(element("p", { class: "quiet" }, "Nothing of this was measured in the chosen runs."));
    return;
  }
  const tables = chart.drawn.map(({ curve, key }) => curve.of[key]);
  const ink = getComputedStyle(canvas).color;
  const faint = getComputedStyle(canvas).borderTopColor;
  const axis = { stroke: ink, grid: { stroke: faint, width: 1 }, ticks: { stroke: faint, width: 1 } };
  chart.plot = new uPlot(
    {
      ...chartSize(canvas),
      series: [{}, ...chart.drawn.map(({ curve, key, rank, dashed }) => ({
        label: `${curveId(curve)} ${KEY_NAMES[key] ?? ""}`, stroke: colourOf(rank), width: 1.8,
        dash: dashed ? [6, 4] : undefined, spanGaps: true, points: { show: curve.of[key][0].length === 1 },
      }))],
      scales: { x: { time: false } },
      axes: [
        { ...axis, label: "Iteration", values: (_, at) => at.map(inThousands) },
        innerWidth < 640 ? { ...axis, size: 40 } : { ...axis, label, size: 56 },
      ],
      legend: { show: false },
      cursor: { dataIdx: nearestPoint, focus: { prox: 40 }, drag: { x: true, y: false } },
      focus: { alpha: 0.35 },
      hooks: {
        setCursor: [(plot) => tellValues(plot)],
        setSeries: [(plot, place, options) => options.focus !== undefined && tellPoint(place)],
        draw: [drawBurnIns],
      },
    },
    uPlot.join(tables.map(([x, y]) => [x, y])),
    canvas,
  );
  chart.plot.over.append(element("div", { class: "tip", hidden: true }));
  tellValues(chart.plot);
}

const inThousands = (at) => (Math.abs(at) >= 1000 ? `${at / 1000}k` : `${at}`);

/** The colour of a chosen run, as the page's style has it in the colours of now. */
function colourOf(rank) {
  const probe = element("i", { class: `line-${rank % COLOURS}` });
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** Runs are measured at iterations of their own: the measured point nearest to the pointer. */
function nearestPoint(plot, series, hovered) {
  const [xs, ys] = [plot.data[0], plot.data[series]];
  if (series === 0 || ys[hovered] != null) return hovered;
  let [before, after] = [hovered, hovered];
  while (before >= 0 && ys[before] == null) before--;
  while (after < ys.length && ys[after] == null) after++;
  const reach = 0.02 * (xs.at(-1) - xs[0]); // a curve that has ended has no value further on
  if (before < 0) return xs[after] - xs[hovered] <= reach ? after : null;
  if (after >= ys.length) return xs[hovered] - xs[before] <= reach ? before : null;
  return xs[hovered] - xs[before] <= xs[after] - xs[hovered] ? before : after;
}

function drawBurnIns(plot) {
  const ends = new Set(chart.chosen.map((curve) => curve.burn_in).filter((end) => end !== null));
  plot.ctx.save();
  plot.ctx.strokeStyle = getComputedStyle(plot.root.parentElement).color;
  plot.ctx.setLineDash([2, 4]);
  for (const end of ends) {
    const x = plot.valToPos(end, "x", true);
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
  }
  plot.ctx.restore();
}

/** A line for every chosen run, which `tellValues` fills: it is the chart's legend, too. */
function makeReadout(table, keys) {
  const columns = keys.filter((key) => chart.drawn.some((one) => one.key === key));
  const heads = [commonPanel() || "Run", ...columns.map((key) => KEY_NAMES[key] ?? "value"), "at iteration", ""];
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...chart.chosen.map((curve, rank) => {
      const sign = element("i", { class: `swatch line-${rank % COLOURS}` });
      const drop = () => chooseCurve(curve, false);
      const name = shortName(curve);
      return element(
        "tr", {},
        element("th", { scope: "row" }, sign, name),
        ...columns.map((key) => element("td", { "data-key": key })),
        element("td", { "data-key": "at" }),
        element("td", {}, element("button", { type: "button", click: drop, "aria-label": `Remove ${name}` }, "×")),
      );
    })),
  );
}

/** Values under the cursor; without one the last that were measured. */
function tellValues(plot) {
  const rows = document.querySelectorAll(".readout tbody tr");
  const under = plot.cursor.idx !== null && plot.cursor.idx !== undefined && plot.cursor.left >= 0;
  chart.drawn.forEach(({ curve, key, rank }, place) => {
    const [xs, ys] = curve.of[key];
    let [at, value] = [xs.at(-1), ys.at(-1)];
    if (under) {
      const index = plot.cursor.idxs[place + 1];
      [at, value] = index == null ? [null, null] : [plot.data[0][index], plot.data[place + 1][index]];
    }
    rows[rank].querySelector(`[data-key="${key}"]`).textContent = value ?? "–";
    rows[rank].querySelector('[data-key="at"]').textContent = at?.toLocaleString("en") ?? "–";
  });
  if (!under) tellPoint(null);
}

/** The value of the nearest curve beside the pointer. */
function tellPoint(series) {
  const plot = chart.plot;
  const tip = plot?.over.querySelector(".tip");
  if (!tip) return "";
  const index = series ? plot.cursor.idxs[series] : null;
  tip.hidden = index == null;
  if (tip.hidden) return "";
  const { curve, key, rank } = chart.drawn[series - 1];
  const [x, y] = [plot.data[0][index], plot.data[series][index]];
  const value = `${y} at ${x.toLocaleString("en")}`;
  const said = `${shortName(curve)} ${KEY_NAMES[key] ?? ""}: ${value}`;
  tip.textContent = innerWidth < 640 ? value : said; // on a phone it would hide the curves
  tip.style.borderColor = colourOf(rank);
  const left = plot.valToPos(x, "x");
  const room = plot.over.clientWidth;
  tip.style.left = left < room / 2 ? `${left + 10}px` : "";
  tip.style.right = left < room / 2 ? "" : `${room - left + 10}px`;
  tip.style.top = `${Math.max(plot.valToPos(y, "y") - tip.offsetHeight - 8, 0)}px`;
  return said;
}

/** Left and right along the iterations, up and down between the curves; what is reached is said. */
function moveByKey(event) {
  const plot = chart.plot;
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (!plot || !(event.key in steps)) return;
  event.preventDefault();
  const [along, between] = steps[event.key];
  const count = chart.drawn.length;
  chart.series = ((chart.series ?? 1) - 1 + between + count) % count + 1;
  const known = plot.data[chart.series].flatMap((value, index) => (value == null ? [] : [index]));
  const before = plot.cursor.idxs?.[chart.series];
  const now = before == null ? (along < 0 ? known.length : -1) : known.indexOf(before);
  const index = known[Math.min(Math.max(now + along * (event.shiftKey ? 10 : 1), 0), known.length - 1)];
  plot.setCursor({
    left: plot.valToPos(plot.data[0][index], "x"), top: plot.valToPos(plot.data[chart.series][index], "y"),
  });
  document.querySelector(".spoken").textContent = tellPoint(chart.series);
}
