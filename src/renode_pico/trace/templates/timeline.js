// The timeline: overview, one lane for each endpoint, zoom, selection. Times are emulated nanoseconds.
const $ = name => document.getElementById(name);
const LANE = 26, RULER = 22, GAP = 1.5e6, FOLDED = 1.5e5;
const view = {from: 0, to: 1, selected: -1, hover: -1, colours: {}, knots: [], length: 1, filter: null, rows: [], open: new Set()};

// Folded time: a piecewise linear map in which stretches without traffic are short. knots: [true time, shown time].
function buildTime(fold) {
  const t = trace.transactions, marks = [];
  for (let k = 0; k < t.count; k++) {
    // a run of NAKs is as idle as it looks
    if (t.naks[k] > 1 && t.end[k] - t.begin[k] > GAP) marks.push([t.begin[k], t.begin[k]], [t.end[k], t.end[k]]);
    else marks.push([t.begin[k], t.end[k]]);
  }
  for (const e of trace.events) marks.push([e.begin, e.end]);
  marks.sort((a, b) => a[0] - b[0]);
  view.knots = [];
  view.gaps = [];
  if (!marks.length) marks.push([0, 1e6]);
  let shown = 0, reached = marks[0][0];
  view.knots.push([reached, 0]);
  for (const [begin, end] of marks) {
    if (fold && begin - reached > GAP) {
      view.knots.push([reached, shown]);
      view.gaps.push([shown, shown + FOLDED, begin - reached]);
      shown += FOLDED;
      view.knots.push([begin, shown]);
      reached = begin;
    }
    if (end > reached) {
      shown += end - reached;
      reached = end;
    }
  }
  view.knots.push([reached, shown]);
  view.length = Math.max(shown, 1000);
}

function mapTime(value, from, to) {
  const knots = view.knots;
  let low = 0, high = knots.length - 1;
  if (value <= knots[0][from]) return knots[0][to];
  if (value >= knots[high][from]) return knots[high][to];
  while (high - low > 1) {
    const middle = low + high >> 1;
    if (knots[middle][from] <= value) low = middle; else high = middle;
  }
  const a = knots[low], b = knots[high], span = b[from] - a[from];
  return span ? a[to] + (value - a[from]) * (b[to] - a[to]) / span : a[to];
}
const shownTime = ns => mapTime(ns, 0, 1);
const trueTime = shown => mapTime(shown, 1, 0);

function formatTime(ns) {
  const s = ns / 1e9;
  return `${s.toFixed(6).replace(/(\d{3})(\d{3})$/, "$1 $2")} s`;
}
function formatSpan(ns) {
  return ns >= 1e9 ? `${(ns / 1e9).toFixed(2)} s` : ns >= 1e6 ? `${(ns / 1e6).toFixed(ns < 1e7 ? 2 : 0)} ms` : `${(ns / 1e3).toFixed(ns < 1e4 ? 1 : 0)} µs`;
}

const SEVERITY = {nak: 0, in: 1, out: 1, setup: 2, error: 3, stall: 4};
function kindOf(k) {
  const t = trace.transactions;
  if (t.naks[k]) return "nak";
  if (t.handshake[k] === 14) return "stall";
  const isochronous = trace.lanes[t.lane[k]].type === 1;
  if (t.fault[k] || (!t.handshake[k] && !isochronous)) return "error";
  return t.token[k] === 13 ? "setup" : t.token[k] === 9 ? "in" : "out";
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "panel", "line", "ink", "soft", "select", "setup", "out", "in", "nak", "stall", "error", "event", "band"]) {
    view.colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

function sizeCanvas(canvas, height) {
  const ratio = devicePixelRatio || 1, width = canvas.clientWidth;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width];
}

function buildOverview(width) {
  const t = trace.transactions, bins = Math.max(1, Math.floor(width)), scale = bins / view.length;
  const use = new Float32Array(bins), idle = new Float32Array(bins), bad = new Uint8Array(bins);
  for (let k = 0; k < t.count; k++) {
    const kind = kindOf(k);
    let from = shownTime(t.begin[k]), to = shownTime(t.end[k]);
    if (kind === "nak") to = from + Math.min(to - from, 5333 * t.naks[k]);
    const first = Math.min(bins - 1, Math.floor(from * scale)), last = Math.min(bins - 1, Math.floor(to * scale));
    for (let bin = first; bin <= last; bin++) {
      const part = (Math.min(to, (bin + 1) / scale) - Math.max(from, bin / scale)) * scale;
      if (kind === "nak") idle[bin] += part; else use[bin] += part;
      if (kind === "stall") bad[bin] |= 1;
      if (kind === "error") bad[bin] |= 2;
    }
  }
  view.overview = {bins, use, idle, bad};
}

function drawOverview() {
  const [c, width] = sizeCanvas($("overview"), 44), colours = view.colours;
  if (!view.overview || view.overview.bins !== Math.max(1, Math.floor(width))) buildOverview(width);
  const {bins, use, idle, bad} = view.overview;
  c.fillStyle = colours.paper;
  c.fillRect(0, 0, width, 44);
  for (let x = 0; x < bins; x++) {
    const busy = Math.min(1, use[x]) * 34, naks = Math.min(1, idle[x]) * 34;
    c.fillStyle = colours.nak;
    if (naks > 0.2) c.fillRect(x, 42 - Math.min(34, busy + Math.max(1, naks)), 1, Math.min(34, busy + Math.max(1, naks)));
    c.fillStyle = colours.in;
    if (busy > 0) c.fillRect(x, 42 - Math.max(1, busy), 1, Math.max(1, busy));
  }
  for (let x = 0; x < bins; x++) {
    if (!bad[x]) continue;
    c.fillStyle = bad[x] & 1 ? colours.stall : colours.error;
    c.fillRect(x - 1, 2, 3, 5);
  }
  c.fillStyle = colours.event;
  for (const e of trace.events) c.fillRect(shownTime(e.begin) / view.length * width, 8, 1, 34);
  const from = view.from / view.length * width, to = view.to / view.length * width;
  c.fillStyle = colours.ink;
  c.globalAlpha = 0.12;
  c.fillRect(0, 0, from, 44);
  c.fillRect(to, 0, width - to, 44);
  c.globalAlpha = 1;
  c.strokeStyle = colours.soft;
  c.strokeRect(from + 0.5, 0.5, Math.max(2, to - from - 1), 43);
}

// What the eye sees where many transactions share a pixel: the worst of them, and the colour of most of them.
function drawLanes() {
  const lanes = trace.lanes, height = RULER + (lanes.length + 1) * LANE + 2;
  const [c, width] = sizeCanvas($("lanes"), height), t = trace.transactions, colours = view.colours;
  const scale = width / (view.to - view.from), x = shown => (shown - view.from) * scale;
  c.font = '11px system-ui, "DejaVu Sans", sans-serif';
  c.fillStyle = colours.paper;
  c.fillRect(0, RULER, width, height - RULER);
  for (let lane = 0; lane <= lanes.length; lane += 2) {
    c.fillStyle = colours.band;
    c.fillRect(0, RULER + lane * LANE, width, LANE);
  }
  drawRuler(c, width, height, x);
  for (const e of trace.events) {
    const at = x(shownTime(e.begin));
    if (at < -200 || at > width) continue;
    c.fillStyle = colours.event;
    c.fillRect(at, RULER, 1, height - RULER);
    c.fillText(e.kind, at + 4, RULER + 17 - (e.raised ? 6 : 0));
  }
  for (const lane of lanes) {
    if (!lane.on) continue;
    const top = RULER + (lane.number + 1) * LANE;
    drawTransfers(c, lane, top, x, width, scale);
    const items = lane.items;
    let i = firstAfter(items, trueTime(view.from)), pixel = -1, worst = -1, kind = "";
    for (; i < items.length; i++) {
      const k = items[i], left = x(shownTime(t.begin[k]));
      if (left > width) break;
      const span = x(shownTime(t.end[k])) - left, now = kindOf(k);
      if (span < 1.5) {
        const column = Math.floor(left);
        if (column === pixel && SEVERITY[now] <= worst) continue;
        pixel = column; worst = SEVERITY[now]; kind = now;
        drawTick(c, kind, column, top, 1.2, colours);
      } else {
        drawTick(c, now, left, top, Math.max(1.2, span - (span > 4 ? 1 : 0)), colours, t.naks[k]);
        if (span > 46) label(c, k, left, top, span);
      }
    }
  }
  if (view.selected >= 0) {
    const s = trace.transfers[view.selected], top = RULER + (s.lane.number + 1) * LANE;
    const from = Math.max(-2, x(shownTime(s.first))), to = Math.min(width + 2, x(shownTime(s.end)));
    c.strokeStyle = colours.ink;
    c.lineWidth = 1.5;
    c.strokeRect(from - 1.5, top + 1.5, Math.max(4, to - from + 3), LANE - 3);
    c.lineWidth = 1;
  }
}

function drawTick(c, kind, left, top, width, colours, naks = 0) {
  c.fillStyle = colours[kind];
  if (kind === "nak") c.fillRect(left, top + LANE / 2 - (naks > 1 ? 3 : 2), width, naks > 1 ? 6 : 4);
  else if (kind === "stall" || kind === "error") {
    c.fillRect(left, top + 2, Math.max(2, width), LANE - 4);
    c.beginPath();
    c.moveTo(left - 3, top); c.lineTo(left + 5, top); c.lineTo(left + 1, top + 6);
    c.fill();
  } else c.fillRect(left, top + 5, width, LANE - 10);
}

function label(c, k, left, top, span) {
  const t = trace.transactions;
  let text = PID[t.token[k]];
  if (t.naks[k]) text = nakText(t.naks[k]);
  else if (t.handshake[k] === 14) text += " STALL";
  else if (t.fault[k]) text += ` ${FAULTS[t.fault[k] - 1]}`;
  else if (t.pid[k]) text += ` ${t.length[k]}`;
  c.save();
  c.beginPath();
  c.rect(left, top, span, LANE);
  c.clip();
  c.fillStyle = t.naks[k] ? view.colours.ink : "#ffffff";
  c.fillText(text, left + 5, top + LANE / 2 + (t.naks[k] ? -5 : 4));
  c.restore();
}

function drawTransfers(c, lane, top, x, width, scale) {
  c.fillStyle = view.colours.soft;
  let edge = -1;
  for (const number of lane.transfers) {
    const s = trace.transfers[number], from = x(shownTime(s.first)), to = x(shownTime(s.end));
    if (to < 0 || to < edge) continue;
    if (from > width) break;
    c.globalAlpha = 0.45;
    c.fillRect(Math.max(from, edge), top + LANE - 4, Math.max(0.6, to - Math.max(from, edge) - 1), 2);
    edge = Math.max(to, from + 0.7);
  }
  c.globalAlpha = 1;
}

function drawRuler(c, width, height, x) {
  const colours = view.colours;
  c.fillStyle = colours.soft;
  c.strokeStyle = colours.line;
  for (const [from, to, span] of view.gaps) {
    const left = x(from), right = x(to);
    if (right < 0 || left > width) continue;
    if (right - left > 3) {
      c.save();
      c.globalAlpha = 0.35;
      c.fillStyle = colours.line;
      c.fillRect(left, RULER, right - left, height - RULER);
      c.restore();
    }
    if (right - left > 44) {
      c.textAlign = "center";
      c.fillText(`⋯ ${formatSpan(span)} ⋯`, (left + right) / 2, height - 8);
      c.textAlign = "left";
    }
  }
  let last = -1e9;
  const shownSpan = view.to - view.from;
  for (let i = 0; i <= Math.floor(width / 120); i++) {
    const at = i * 120, shown = view.from + at / width * shownSpan;
    if (at - last < 110 || at > width - 60) continue;
    const ns = trueTime(shown), digits = shownSpan < 2e4 ? 9 : shownSpan < 2e7 ? 6 : 3;
    c.fillText(`${(ns / 1e9).toFixed(digits)} s`, at + 3, 14);
    c.beginPath();
    c.moveTo(at + 0.5, 4);
    c.lineTo(at + 0.5, height);
    c.stroke();
    last = at;
  }
}

function firstAfter(items, ns) {
  const t = trace.transactions;
  let low = 0, high = items.length;
  while (low < high) {
    const middle = low + high >> 1;
    if (t.begin[items[middle]] < ns) low = middle + 1; else high = middle;
  }
  return Math.max(0, low - 1);
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; drawOverview(); drawLanes(); });
}

function show(from, to) {
  const span = Math.min(view.length * 1.02, Math.max(2000, to - from)), edge = view.length * 0.01;
  view.from = Math.max(-edge, Math.min(from, view.length + edge - span));
  view.to = view.from + span;
  draw();
}
function zoom(factor, at = (view.from + view.to) / 2) { show(at - (at - view.from) * factor, at + (view.to - at) * factor); }
function fit() { show(-view.length * 0.01, view.length * 1.01); }

function reveal(number) {
  const s = trace.transfers[number], from = shownTime(s.first), to = shownTime(s.end);
  if (from < view.from || from > view.to || to - from < (view.to - view.from) / 2000) {
    const span = Math.max((to - from) * 4, Math.min(view.to - view.from, 2e6));
    show((from + to) / 2 - span / 2, (from + to) / 2 + span / 2);
  }
}

function transactionAt(event) {
  const box = $("lanes").getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  const lane = trace.lanes[Math.floor((py - RULER) / LANE) - 1];
  if (!lane || !lane.on) return -1;
  const t = trace.transactions, scale = box.width / (view.to - view.from);
  let best = -1, distance = 6;
  for (let i = firstAfter(lane.items, trueTime(view.from + (px - 8) / scale)); i < lane.items.length; i++) {
    const k = lane.items[i], left = (shownTime(t.begin[k]) - view.from) * scale, right = (shownTime(t.end[k]) - view.from) * scale;
    if (left > px + 8) break;
    const away = px < left ? left - px : px > right ? px - right : 0;
    if (away < distance || (away === distance && best >= 0 && SEVERITY[kindOf(k)] > SEVERITY[kindOf(best)])) { best = k; distance = away; }
  }
  return best;
}

function hover(event) {
  const k = transactionAt(event), tip = $("tip"), t = trace.transactions;
  tip.hidden = k < 0;
  if (k < 0) return;
  const x = trace.transfers[t.transfer[k]];
  const what = t.naks[k] ? `${PID[t.token[k]]}: ${nakText(t.naks[k])} in ${formatSpan(t.end[k] - t.begin[k])}` : transactionText(k);
  tip.textContent = `${formatTime(t.begin[k])}, frame ${t.frame[k]}\n${what}${x ? `\n${transferName(x)}: ${x.status}` : ""}`;
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${event.clientY + 16}px`;
}

function transactionText(k) {
  const t = trace.transactions, parts = [PID[t.token[k]]];
  if (t.pid[k]) parts.push(`${PID[t.pid[k]]} ${t.length[k]} bytes`);
  parts.push(t.handshake[k] ? PID[t.handshake[k]] : trace.lanes[t.lane[k]].type === 1 ? "" : "no answer");
  if (t.fault[k]) parts.push(`(${FAULTS[t.fault[k] - 1]})`);
  return parts.filter(Boolean).join(" · ");
}

function bindTimeline() {
  const lanes = $("lanes"), overview = $("overview");
  lanes.addEventListener("wheel", event => {
    event.preventDefault();
    const box = lanes.getBoundingClientRect(), at = view.from + (event.clientX - box.left) / box.width * (view.to - view.from);
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const move = (event.deltaX || event.deltaY) / box.width * (view.to - view.from);
      show(view.from + move, view.to + move);
    } else zoom(Math.exp(event.deltaY * 0.0016), at);
  }, {passive: false});
  let drag = null;
  lanes.addEventListener("pointerdown", event => { drag = {x: event.clientX, from: view.from, to: view.to, moved: false}; lanes.setPointerCapture(event.pointerId); });
  lanes.addEventListener("pointermove", event => {
    if (!drag) return hover(event);
    const move = (drag.x - event.clientX) / lanes.clientWidth * (drag.to - drag.from);
    if (Math.abs(drag.x - event.clientX) > 3) drag.moved = true;
    if (drag.moved) show(drag.from + move, drag.to + move);
  });
  lanes.addEventListener("pointerup", event => {
    if (drag && !drag.moved) {
      const k = transactionAt(event);
      if (k >= 0) select(trace.transactions.transfer[k], {scroll: true});
    }
    drag = null;
  });
  lanes.addEventListener("pointerleave", () => { $("tip").hidden = true; });
  lanes.addEventListener("dblclick", () => { if (view.selected >= 0) { const s = trace.transfers[view.selected], a = shownTime(s.first), b = shownTime(s.end); show(a - (b - a) * 0.2 - 500, b + (b - a) * 0.2 + 500); } });
  const jump = event => {
    const box = overview.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * view.length, half = (view.to - view.from) / 2;
    if (view.to - view.from > view.length * 0.98) show(at - view.length / 20, at + view.length / 20); else show(at - half, at + half);
  };
  let held = false;
  overview.addEventListener("pointerdown", event => { held = true; overview.setPointerCapture(event.pointerId); jump(event); });
  overview.addEventListener("pointermove", event => { if (held) jump(event); });
  overview.addEventListener("pointerup", () => { held = false; });
  addEventListener("resize", () => { draw(); drawRows(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); draw(); });
  $("in").onclick = () => zoom(0.5);
  $("out").onclick = () => zoom(2);
  $("fit").onclick = fit;
  $("fold").onchange = event => {
    const middle = trueTime((view.from + view.to) / 2), span = (view.to - view.from) / view.length;
    buildTime(event.target.checked);
    view.overview = null;
    const at = shownTime(middle), half = span * view.length / 2;
    show(at - half, at + half);
  };
}
