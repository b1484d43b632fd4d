// The records as the recorder wrote them (renode_pico/trace/html.py), in columns; transfers claim their transactions.
const HEAD = 36;
const trace = {transactions: null, transfers: [], events: [], blobs: [], lanes: [], naks: 0};

async function unpack(element) {
  const text = element.textContent, bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  element.remove();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function readRecords() {
  const blocks = await Promise.all([...document.querySelectorAll("script.records")].map(unpack));
  let total = 0;
  for (const block of blocks) total += new DataView(block.buffer).getUint32(0, true);
  const t = trace.transactions = {
    count: 0, begin: new Float64Array(total), end: new Float64Array(total), token: new Uint8Array(total), address: new Uint8Array(total),
    endpoint: new Uint8Array(total), pid: new Uint8Array(total), handshake: new Uint8Array(total), fault: new Uint8Array(total),
    naks: new Uint32Array(total), length: new Uint32Array(total), frame: new Uint16Array(total), blob: new Uint16Array(total),
    offset: new Uint32Array(total), transfer: new Int32Array(total).fill(-1), lane: new Uint16Array(total),
  };
  const open = new Map(), lanes = new Map();
  const laneOf = (address, endpoint) => {
    const key = address << 8 | (endpoint & 15 ? endpoint : 0);
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = {key, address, endpoint: endpoint & 15 ? endpoint : 0, type: endpoint & 15 ? -1 : 0, on: true, items: []};
      lanes.set(key, lane);
    }
    return lane;
  };
  for (const block of blocks) {
    const view = new DataView(block.buffer), count = view.getUint32(0, true), number = trace.blobs.length;
    let data = 0;
    trace.blobs.push(block.subarray(4 + count * HEAD));
    for (let i = 0, at = 4; i < count; i++, at += HEAD) {
      const begin = view.getFloat64(at, true), end = view.getFloat64(at + 8, true), kind = view.getUint8(at + 16);
      const code = view.getUint8(at + 17), address = view.getUint8(at + 18), endpoint = view.getUint8(at + 19);
      const length = view.getUint32(at + 28, true);
      if (kind === 0) {
        const k = t.count++, lane = laneOf(address, endpoint);
        t.begin[k] = begin; t.end[k] = end; t.token[k] = code; t.address[k] = address; t.endpoint[k] = endpoint;
        t.pid[k] = view.getUint8(at + 20); t.handshake[k] = view.getUint8(at + 21); t.fault[k] = view.getUint8(at + 22);
        t.naks[k] = view.getUint32(at + 24, true); t.length[k] = length; t.frame[k] = view.getUint16(at + 32, true);
        t.blob[k] = number; t.offset[k] = data;
        trace.naks += t.naks[k];
        lane.items.push(k);
        if (!open.has(lane.key)) open.set(lane.key, []);
        open.get(lane.key).push(k);
      } else if (kind === 1) {
        trace.events.push({kind: EVENTS[code], begin, end, frame: view.getUint16(at + 32, true)});
      } else {
        const lane = laneOf(address, endpoint), packets = view.getUint32(at + 24, true);
        const setup = length ? parseSetup(trace.blobs[number].subarray(data, data + length)) : null;
        lane.type = code;
        claim({begin, end, type: code, address, endpoint, status: STATES[view.getUint8(at + 20)], setup, packets, lane}, open);
      }
      data += length;
    }
  }
  for (const [key, left] of open) {
    if (!left.length) continue;
    const lane = lanes.get(key);
    claim({begin: t.begin[left[0]], end: t.end[left[left.length - 1]], type: lane.type, address: lane.address, endpoint: lane.endpoint,
      status: "pending", setup: null, packets: 1, lane}, open);
  }
  trace.lanes = [...lanes.values()].sort((a, b) => a.address - b.address || (a.endpoint & 15) - (b.endpoint & 15) || a.endpoint - b.endpoint);
  trace.lanes.forEach((lane, number) => {
    lane.items.sort((a, b) => t.begin[a] - t.begin[b]);
    for (const k of lane.items) t.lane[k] = number;
    lane.number = number;
  });
  finishTransfers();
}

// Give a transfer the transactions of its pipe since the one before it.
function claim(transfer, open) {
  const t = trace.transactions, left = open.get(transfer.lane.key) || [];
  const moved = left.some(k => t.length[k] && t.handshake[k] === 2);
  const never = transfer.packets === 0 && moved && transfer.type !== 0;
  transfer.parts = never ? [] : left;
  if (!never) open.set(transfer.lane.key, []);
  const number = trace.transfers.push(transfer) - 1;
  for (const k of transfer.parts) t.transfer[k] = number;
}

function finishTransfers() {
  const t = trace.transactions, classes = {};
  for (const x of trace.transfers) {
    x.naks = 0; x.stalled = x.status === "stalled"; x.failed = !["completed", "stalled", "pending", "cancelled"].includes(x.status);
    x.faults = 0; x.bytes = 0;
    for (const k of x.parts) {
      x.naks += t.naks[k];
      if (t.fault[k] || (!t.handshake[k] && x.type !== 1)) x.faults++;
      if (!x.setup && t.token[k] === 13) x.setup = parseSetup(bytesOf(k));
    }
    x.first = x.parts.length ? t.begin[x.parts[0]] : x.begin;
    x.frame = x.parts.length ? t.frame[x.parts[0]] : -1;
    const reads = x.setup ? x.setup.isIn : x.endpoint >= 0x80;
    let last = 0;
    x.dataParts = x.parts.filter(k => {
      if (t.naks[k] || !t.pid[k] || t.token[k] !== (reads ? 9 : 1)) return false;
      if (x.type !== 1) {
        if (t.handshake[k] !== 2 || t.pid[k] === last) return false;
        last = t.pid[k];
      }
      x.bytes += t.length[k];
      return true;
    });
    x.reads = reads;
    x.classes = classes[x.address];
    if (x.setup && x.setup.type === 0x80 && x.setup.request === 6 && x.setup.value >> 8 === 2 && x.bytes > 9) {
      classes[x.address] = x.classes = interfaceClasses(dataOf(x));
    }
  }
  trace.transfers.sort((a, b) => a.first - b.first);
  trace.transfers.forEach((x, number) => {
    x.number = number;
    for (const k of x.parts) t.transfer[k] = number;
  });
}

const bytesOf = k => {
  const t = trace.transactions;
  return trace.blobs[t.blob[k]].subarray(t.offset[k], t.offset[k] + t.length[k]);
};

function dataOf(x, limit = Infinity) {
  const size = Math.min(x.bytes, limit), data = new Uint8Array(size);
  let at = 0;
  for (const k of x.dataParts) {
    if (at >= size) break;
    const part = bytesOf(k).subarray(0, size - at);
    data.set(part, at);
    at += part.length;
  }
  return data;
}

const endpointName = x => `${x.address}.${x.type === 0 ? "0" : `${x.endpoint & 15} ${x.endpoint & 128 ? "IN" : "OUT"}`}`;

function transferName(x) {
  if (x.type === 0) return x.setup ? requestName(x.setup, x.classes, x.bytes < 64 ? dataOf(x) : null) : "control";
  return `${TYPES[x.type] || ""} ${x.endpoint & 128 ? "IN" : "OUT"}`;
}

function preview(data) {
  let text = "", plain = 0;
  for (const byte of data) {
    const printable = byte >= 32 && byte < 127;
    plain += printable || byte === 10 || byte === 13 || byte === 9;
    text += printable ? String.fromCharCode(byte) : byte === 10 ? "⏎" : byte === 13 ? "" : "·";
  }
  return data.length && plain / data.length > 0.8 ? text : [...data.subarray(0, 24)].map(b => hex(b)).join(" ");
}

const nakText = count => count > 1 ? `NAK × ${count}` : "NAK";
