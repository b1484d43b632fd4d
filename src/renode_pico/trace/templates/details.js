// The list of transfers and the panel that explains the selected one.
const ROW = 22;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function wanted(x, words) {
  if (!x.lane.on) return false;
  if (!words.length) return true;
  const text = `${transferName(x)} ${endpointName(x)} ${x.status} ${x.faults ? "fault error" : ""}`.toLowerCase();
  return words.every(entry => {
    if (entry.startsWith("hex:")) {
      const needle = entry.slice(4);
      return [...dataOf(x, 65536)].map(b => hex(b)).join("").includes(needle);
    }
    if (text.includes(entry)) return true;
    return new TextDecoder("latin1").decode(dataOf(x, 65536)).toLowerCase().includes(entry);
  });
}

// Rows: transfers and bus events in order of time; an opened transfer is followed by its transactions.
function buildRows() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), rows = [], t = trace.transactions;
  const events = words.length ? [] : trace.events, naks = $("naks").checked;
  let e = 0;
  for (const x of trace.transfers) {
    while (e < events.length && events[e].begin <= x.first) rows.push({event: events[e++]});
    if (!wanted(x, words)) continue;
    rows.push({transfer: x});
    if (view.open.has(x.number)) for (const k of x.parts) if (naks || !t.naks[k]) rows.push({part: k, transfer: x});
  }
  while (e < events.length) rows.push({event: events[e++]});
  view.rows = rows;
  $("height").style.height = `${rows.length * ROW}px`;
  drawRows();
}

function drawRows() {
  const scroll = $("scroll"), first = Math.max(0, Math.floor(scroll.scrollTop / ROW) - 4);
  const last = Math.min(view.rows.length, first + Math.ceil(scroll.clientHeight / ROW) + 9), rows = $("rows");
  rows.style.transform = `translateY(${first * ROW}px)`;
  rows.replaceChildren(...view.rows.slice(first, last).map(makeRow));
}

function makeRow(row) {
  if (row.event) return fillRow("bus", [formatTime(row.event.begin), row.event.frame || "", "bus", row.event.kind, "", ""]);
  const t = trace.transactions, x = row.transfer;
  if (row.part !== undefined) {
    const k = row.part, kind = kindOf(k);
    const made = fillRow(`part ${kind}`, [formatTime(t.begin[k]), t.frame[k], "", "", t.length[k] || "", ""]);
    const what = t.naks[k] ? `${PID[t.token[k]]} · ${nakText(t.naks[k])}` : transactionText(k);
    made.children[3].append(element("b"), what, element("em", t.naks[k] ? "" : preview(bytesOf(k))));
    return made;
  }
  const kind = x.stalled ? "stall" : x.failed || x.faults ? "error" : x.type === 0 ? "setup" : x.reads ? "in" : "out";
  const made = fillRow(`${kind}${x.number === view.selected ? " selected" : ""}`, [formatTime(x.first), x.frame < 0 ? "" : x.frame, endpointName(x), "", x.bytes || (x.type === 0 ? "" : 0), ""]);
  const opener = element("i", x.parts.length ? (view.open.has(x.number) ? "▾" : "▸") : "");
  opener.onclick = event => { event.stopPropagation(); toggle(x.number); };
  made.children[3].append(opener, element("b"), transferName(x), element("em", preview(dataOf(x, 48))));
  const result = x.status === "completed" ? (x.naks ? `ok · ${x.naks} NAK` : "ok") : x.status;
  made.children[5].textContent = x.faults ? `${result} · ${x.faults} fault${x.faults > 1 ? "s" : ""}` : result;
  made.children[5].className = x.stalled ? "bad" : x.failed || x.faults ? "warn" : "";
  made.onclick = () => select(x.number, {reveal: true});
  made.ondblclick = () => toggle(x.number);
  return made;
}

function fillRow(className, texts) {
  const row = element("div", undefined, `row ${className}`);
  row.append(...texts.map(text => element("span", text)));
  return row;
}

function toggle(number) {
  if (!view.open.delete(number)) view.open.add(number);
  buildRows();
}

function select(number, how = {}) {
  if (number < 0 || number >= trace.transfers.length) return;
  view.selected = number;
  if (how.reveal) reveal(number);
  if (how.scroll) {
    const at = view.rows.findIndex(row => row.transfer && row.transfer.number === number), scroll = $("scroll");
    if (at >= 0 && (at * ROW < scroll.scrollTop || (at + 1) * ROW > scroll.scrollTop + scroll.clientHeight)) {
      scroll.scrollTop = Math.max(0, at * ROW - scroll.clientHeight / 3);
    }
  }
  drawRows();
  draw();
  showDetails(trace.transfers[number]);
}

function table(pairs) {
  const made = element("table");
  for (const [name, value] of pairs) {
    const row = made.insertRow();
    row.insertCell().textContent = name;
    row.insertCell().textContent = value;
  }
  return made;
}

function hexDump(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const part = [...data.subarray(at, at + 16)];
    const digits = part.map((b, i) => hex(b) + (i === 7 ? " " : "")).join(" ").padEnd(49);
    lines.push(`${hex(at, 4)}  ${digits} ${part.map(b => b >= 32 && b < 127 ? String.fromCharCode(b) : "·").join("")}`);
  }
  return element("pre", lines.join("\n"));
}

function showDetails(x) {
  const panel = $("details"), t = trace.transactions, data = dataOf(x, 4096);
  panel.replaceChildren(element("h2", transferName(x)));
  panel.append(table([
    ["result", x.status + (x.faults ? `, ${x.faults} faulty transaction${x.faults > 1 ? "s" : ""}` : "")],
    ["endpoint", `device ${x.address}, endpoint ${x.type === 0 ? 0 : `0x${hex(x.endpoint)}`}, ${TYPES[x.type] || ""}`],
    ["asked for", formatTime(x.begin)], ["first token", `${formatTime(x.first)}${x.frame < 0 ? "" : `, frame ${x.frame}`}`],
    ["done", `${formatTime(x.end)}, after ${formatSpan(x.end - x.begin)}`],
    ["moved", `${x.bytes} bytes, ${x.dataParts.length} packets${x.naks ? `, ${x.naks} NAK` : ""}`],
  ]));
  if (x.setup) {
    const s = x.setup, kind = ["standard", "class", "vendor", "reserved"][s.type >> 5 & 3];
    panel.append(element("h3", "SETUP"), table([
      ["bmRequestType", `0x${hex(s.type)}: ${s.isIn ? "device to host" : "host to device"}, ${kind}, ${["device", "interface", "endpoint", "other"][s.type & 31] || ""}`],
      ["bRequest", `0x${hex(s.request)}`], ["wValue", `0x${hex(s.value, 4)}`], ["wIndex", `0x${hex(s.index, 4)}`], ["wLength", s.length],
    ]));
    if (s.type === 0x80 && s.request === 6 && data.length) showDescriptors(panel, s, data);
    if ((s.type & 0x60) === 0x20 && (s.request === 0x20 || s.request === 0x21) && data.length >= 7) {
      panel.append(element("h3", "line coding"), element("p", lineCoding(data)));
    }
  }
  if (data.length) panel.append(element("h3", x.bytes > data.length ? `first ${data.length} of ${x.bytes} bytes` : "data"), hexDump(data));
  if (x.parts.length) {
    panel.append(element("h3", `${x.parts.length} transactions`));
    const lines = x.parts.slice(0, 300).map(k => `${formatTime(t.begin[k])}  ${t.naks[k] ? `${PID[t.token[k]]} · ${nakText(t.naks[k])}` : transactionText(k)}`);
    if (x.parts.length > 300) lines.push(`… and ${x.parts.length - 300} more`);
    panel.append(element("pre", lines.join("\n")));
  }
  panel.scrollTop = 0;
}

function showDescriptors(panel, setup, data) {
  panel.append(element("h3", "descriptors, as the device sent them"));
  if (setup.value >> 8 === 0x22) return;
  for (const found of decodeDescriptors(data, setup.value & 255)) {
    const made = element("details");
    made.open = true;
    made.append(element("summary", found.title), found.fields.length ? table(found.fields) : hexDump(found.raw));
    panel.append(made);
  }
}

function nextProblem() {
  const problems = trace.transfers.filter(x => x.stalled || x.failed || x.faults);
  if (!problems.length) return;
  const next = problems.find(x => x.number > view.selected) || problems[0];
  select(next.number, {reveal: true, scroll: true});
}

function step(by) {
  const shown = view.rows.filter(row => row.transfer && row.part === undefined).map(row => row.transfer.number);
  const at = shown.indexOf(view.selected);
  const next = shown[at < 0 ? 0 : Math.max(0, Math.min(shown.length - 1, at + by))];
  if (next !== undefined) select(next, {reveal: true, scroll: true});
}

function buildLabels() {
  const labels = $("labels");
  labels.append(element("label", "bus"));
  for (const lane of trace.lanes) {
    const label = element("label"), box = element("input");
    box.type = "checkbox";
    box.checked = true;
    box.onchange = () => { lane.on = box.checked; label.classList.toggle("off", !lane.on); buildRows(); draw(); };
    const name = lane.endpoint & 15 ? `${lane.address}.${lane.endpoint & 15} ${lane.endpoint & 128 ? "IN" : "OUT"}` : `${lane.address}.0`;
    label.append(box, element("span", name), element("small", TYPES[lane.type] || ""));
    label.title = `device ${lane.address}, endpoint 0x${hex(lane.endpoint)}: ${lane.items.length} records`;
    labels.append(label);
  }
}

function summarise() {
  const t = trace.transactions, problems = trace.transfers.filter(x => x.stalled || x.failed || x.faults).length;
  let transactions = 0, bytes = 0, last = 0;
  for (let k = 0; k < t.count; k++) { transactions += t.naks[k] || 1; last = Math.max(last, t.end[k]); }
  for (const x of trace.transfers) bytes += x.bytes;
  for (const e of trace.events) last = Math.max(last, e.end);
  const number = value => value.toLocaleString("en");
  $("summary").textContent = `${formatSpan(last)} emulated · ${number(trace.transfers.length)} transfers · ${number(transactions)} transactions` +
    ` (${number(trace.naks)} NAK) · ${number(bytes)} bytes · ${problems ? `${problems} with a stall or an error` : "no stalls, no errors"}`;
}

// The place that the address names: #from-to, nanoseconds of emulated time.
function goTo(place) {
  const found = /^#(\d+)-(\d+)$/.exec(place);
  if (!found || !trace.transfers.length) return;
  const from = shownTime(Number(found[1])), to = shownTime(Number(found[2])), room = Math.max(2e4, (to - from) / 20);
  show(from - room, to + room);
  const last = trace.transfers.findLastIndex(x => x.first <= Number(found[2]));
  if (last >= 0) select(last, {scroll: true});
}

async function start() {
  readColours();
  await readRecords();
  for (const lane of trace.lanes) lane.transfers = [];
  for (const x of trace.transfers) x.lane.transfers.push(x.number);
  buildTime(true);
  summarise();
  buildLabels();
  buildRows();
  bindTimeline();
  $("scroll").addEventListener("scroll", drawRows);
  $("search").addEventListener("input", buildRows);
  $("naks").addEventListener("change", buildRows);
  $("problem").onclick = nextProblem;
  addEventListener("hashchange", () => goTo(location.hash));
  addEventListener("keydown", event => {
    if (event.target === $("search")) return;
    const action = {ArrowRight: () => step(1), ArrowDown: () => step(1), ArrowLeft: () => step(-1), ArrowUp: () => step(-1), n: nextProblem,
      f: fit, "+": () => zoom(0.5), "-": () => zoom(2), Enter: () => view.selected >= 0 && toggle(view.selected)}[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  view.from = -view.length * 0.01;
  view.to = view.length * 1.01;
  requestAnimationFrame(() => {
    drawOverview();
    drawLanes();
    goTo(location.hash);
    document.documentElement.dataset.ready = Math.round(performance.now());
  });
}
