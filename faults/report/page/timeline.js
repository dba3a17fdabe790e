// The script of the report: draws the timeline on a canvas. It is put into the page as it is.

const data = JSON.parse(document.querySelector("#data").textContent);
const canvas = document.querySelector("#timeline");
const pen = canvas.getContext("2d");
const tip = document.querySelector("#tip");
const search = document.querySelector("#search");
const left = 130;
const right = 18;
const axisHeight = 24;
const laneHeight = { hold: 9, wait: 4, fault: 15 };
const lineGap = 12;
const mostWaitLanes = 14;
const leastShownMs = 20;

const view = { from: 0, until: data.lengthMs };
let rows = [];
let boxes = [];

showHeader();
showTables();
arrange();
for (const box of document.querySelectorAll("input")) box.addEventListener("input", arrange);
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
canvas.addEventListener("wheel", zoom, { passive: false });
canvas.addEventListener("pointerdown", drag);
canvas.addEventListener("pointermove", hover);
canvas.addEventListener("pointerleave", () => {
  tip.style.display = "none";
});
canvas.addEventListener("dblclick", () => show(0, data.lengthMs));
document.querySelector("#next").addEventListener("click", showNext);

function isShown(kind) {
  return document.querySelector(`[data-kind="${kind}"]`).checked;
}

/** What is to be drawn, in rows of lanes in which nothing overlaps. */
function arrange() {
  const word = search.value.trim().toLowerCase();
  const matches = (...texts) => texts.some((text) => text.toLowerCase().includes(word));
  rows = [];
  let top = axisHeight + 6;
  const add = (name, groups) => {
    const row = { name, top, groups: [] };
    for (const { items, height, most } of groups) {
      const lanes = intoLanes(items, most);
      if (lanes.length === 0) continue;
      row.groups.push({ top, height, lanes });
      top += lanes.length * (height + 1) + 2;
    }
    row.bottom = top;
    if (row.groups.length > 0) rows.push(row);
    top += lineGap;
  };
  const faults = data.faults.map((fault) => ({ ...fault, kind: "fault" }));
  const shownFaults = faults.filter(({ fault, note }) => isShown("fault") && matches(fault, note));
  const hasFault = word !== "" && shownFaults.length > 0;
  add("faults", [{ items: word === "" || hasFault ? shownFaults : faults, height: laneHeight.fault, most: 6 }]);
  for (const { name, bars } of data.lines) {
    const isMeant = word === "" || hasFault || matches(name);
    const shown = bars.filter((bar) => isShown(bar.kind) && (isMeant || matches(bar.who)));
    const ofKind = (...kinds) => shown.filter(({ kind }) => kinds.includes(kind));
    add(name.replace("/faults/", ""), [
      { items: ofKind("own", "foreign"), height: laneHeight.hold, most: 12 },
      { items: ofKind("command"), height: laneHeight.hold, most: 12 },
      { items: ofKind("wait"), height: laneHeight.wait, most: mostWaitLanes },
    ]);
  }
  canvas.style.height = `${top + 8}px`;
  draw();
}

/** Each item in the first lane that is free; what finds none is drawn over others in the last. */
function intoLanes(items, most) {
  const lanes = [];
  for (const item of items) {
    let lane = lanes.find(({ until }) => until <= item.from);
    if (lane === undefined) {
      if (lanes.length < most) lanes.push({ until: 0, items: [] });
      lane = lanes.at(-1);
    }
    lane.items.push(item);
    lane.until = Math.max(lane.until, item.until);
  }
  return lanes;
}

function draw() {
  const ratio = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`);
  boxes = [];
  pen.clearRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  drawGround(color, height);
  for (const row of rows) drawRow(row, color);
  if (isShown("loss")) drawViolations(color, height);
  pen.fillStyle = color("back");
  pen.fillRect(0, 0, left - 6, height);
  for (const { name, top, bottom } of rows) {
    pen.fillStyle = color("text");
    pen.textAlign = "right";
    pen.fillText(name, left - 14, top + Math.min(9, (bottom - top) / 2));
  }
}

function drawGround(color, height) {
  const { clientWidth: width } = canvas;
  pen.fillStyle = color("band");
  for (const { from, until } of data.calms) pen.fillRect(x(from), axisHeight, x(until) - x(from), height);
  pen.strokeStyle = color("rule");
  pen.fillStyle = color("faint");
  pen.textAlign = "center";
  const stepMs = niceStep((view.until - view.from) / ((width - left) / 90));
  for (let at = Math.ceil(view.from / stepMs) * stepMs; at <= view.until; at += stepMs) {
    line(x(at), axisHeight, x(at), height);
    pen.fillText(`${(at / 1000).toFixed(stepMs < 1000 ? 2 : 0)} s`, x(at), axisHeight / 2);
  }
  if (!isShown("fault")) return;
  pen.globalAlpha = 0.1;
  pen.fillStyle = color("fault");
  for (const { from, until } of data.faults) pen.fillRect(x(from), axisHeight, Math.max(1, x(until) - x(from)), height);
  pen.globalAlpha = 1;
}

function drawRow({ top, groups }, color) {
  const { clientWidth: width } = canvas;
  pen.strokeStyle = color("rule");
  line(left, top - lineGap / 2, width - right, top - lineGap / 2);
  for (const { top: groupTop, height, lanes } of groups) {
    for (const [index, { items }] of lanes.entries()) {
      const laneTop = groupTop + index * (height + 1);
      for (const item of items) drawItem(item, laneTop, height, color);
    }
  }
}

function drawItem(item, top, height, color) {
  if (item.until < view.from || item.from > view.until) return;
  const start = Math.max(left, x(item.from));
  const width = Math.max(1.5, Math.min(canvas.clientWidth - right, x(item.until)) - start);
  pen.fillStyle = color(item.kind);
  pen.fillRect(start, top, width, height);
  boxes.push({ start, top, width, height, item });
  if (item.kind === "fault" && width > 40) {
    pen.fillStyle = color("back");
    pen.textAlign = "left";
    const room = Math.floor((width - 6) / 5.6);
    pen.fillText(item.fault.slice(0, room), start + 4, top + height / 2 + 1);
  }
  if (item.lostAt !== undefined && isShown("loss")) mark(x(item.lostAt), top + height / 2, color("loss"));
}

function drawViolations(color, height) {
  pen.strokeStyle = color("loss");
  for (const { at } of data.violations) {
    line(x(at), axisHeight, x(at), height);
    mark(x(at), axisHeight + 2, color("loss"));
  }
}

function mark(center, middle, color) {
  if (center < left) return;
  pen.fillStyle = color;
  pen.beginPath();
  pen.arc(center, middle, 4, 0, 7);
  pen.fill();
}

function line(fromX, fromY, toX, toY) {
  if (fromX < left) return;
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

function x(at) {
  return left + ((at - view.from) / (view.until - view.from)) * (canvas.clientWidth - left - right);
}

function timeAt(position) {
  return view.from + ((position - left) / (canvas.clientWidth - left - right)) * (view.until - view.from);
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

function show(from, until) {
  const length = Math.min(data.lengthMs, Math.max(leastShownMs, until - from));
  view.from = Math.min(Math.max(0, from), data.lengthMs - length);
  view.until = view.from + length;
  draw();
}

function zoom(event) {
  event.preventDefault();
  const at = timeAt(event.offsetX);
  const factor = 1.0015 ** event.deltaY;
  show(at - (at - view.from) * factor, at + (view.until - at) * factor);
}

function drag(event) {
  const begun = { at: event.clientX, ...view };
  const perPixel = (view.until - view.from) / (canvas.clientWidth - left - right);
  const move = ({ clientX }) => {
    const by = (begun.at - clientX) * perPixel;
    show(begun.from + by, begun.until + by);
  };
  const end = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
}

function hover({ offsetX, offsetY, clientX, clientY }) {
  const near = data.violations.filter(({ at }) => Math.abs(x(at) - offsetX) < 4 && offsetY < axisHeight + 10);
  const box = boxes.findLast(
    ({ start, top, width, height }) =>
      offsetX >= start - 1 && offsetX <= start + width + 1 && offsetY >= top - 1 && offsetY <= top + height,
  );
  const text =
    near.length > 0 ? near.map((violation) => `VIOLATION: ${violation.text}`).join("\n") : describe(box?.item);
  tip.style.display = text === "" ? "none" : "block";
  tip.textContent = text;
  tip.style.left = `${Math.min(clientX + 14, innerWidth - 470)}px`;
  tip.style.top = `${clientY + 16}px`;
}

function describe(item) {
  if (item === undefined) return "";
  const times = `${seconds(item.from)} to ${seconds(item.until)} (${Math.round(item.until - item.from)} ms)`;
  if (item.kind === "fault") return `${item.fault} ${item.note}\n${times}`;
  const what = { own: "holds", foreign: "holds (foreign)", command: "command lives", wait: "waits" }[item.kind];
  return `${item.who} ${what}\n${times}\n${item.details}`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(3)} s`;
}

/** The next one after the middle of what is shown. */
function showNext() {
  const losses = data.lines.flatMap(({ bars }) => bars.flatMap(({ lostAt }) => lostAt ?? []));
  const times = (data.violations.length > 0 ? data.violations.map(({ at }) => at) : losses).sort((a, b) => a - b);
  const middle = (view.from + view.until) / 2;
  const next = times.find((at) => at > middle + 1) ?? times[0];
  if (next !== undefined) show(next - 2_000, next + 2_000);
}

function showHeader() {
  const { summary } = data;
  const count = summary.violations.length;
  const verdict = summary.isVoid && count === 0 ? ["void", "void: the machine was starved"] : ["good", "no violation"];
  const [kind, words] = count > 0 ? ["bad", `${count} violations`] : verdict;
  document.querySelector("#title").append(element("span", words, kind));
  document.querySelector("#figures").textContent =
    `${summary.faultCount} faults in ${summary.seconds} s on etcd ${summary.etcd}; ${summary.holds} holds, of them ` +
    `${summary.commandRuns} commands; ${summary.foreignHolds} foreign holds; seed ${summary.seed}`;
  document.querySelector("#again").textContent = summary.command;
}

function showTables() {
  const { faults, invariants, violations } = data.summary;
  const tables = document.querySelector("#tables");
  tables.append(
    table(
      ["invariant", "violations"],
      invariants.map(({ number, text, violations: found }) => [`${number}. ${text}`, found]),
    ),
    table(
      ["fault", "inflicted", "losses told", "violations"],
      faults
        .filter(({ inflicted }) => inflicted > 0)
        .map(({ fault, inflicted, losses, violations: found }) => [fault, inflicted, losses, found]),
    ),
  );
  if (violations.length > 0)
    tables.append(
      table(
        ["violation"],
        violations.map(({ invariant, text }) => [`${invariant}. ${text}`]),
      ),
    );
}

function table(header, rowsOfTable) {
  const made = element("table");
  const head = element("tr");
  head.append(...header.map((text) => element("th", text)));
  made.append(head);
  for (const cells of rowsOfTable) {
    const row = element("tr");
    const isBad = (cell, index) =>
      index === cells.length - 1 && typeof cell === "number" && cell > 0 && header.at(-1) === "violations";
    row.append(
      ...cells.map((cell, index) =>
        element("td", cell, typeof cell === "number" ? `number${isBad(cell, index) ? " bad" : ""}` : ""),
      ),
    );
    made.append(row);
  }
  return made;
}

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = kind;
  return made;
}
