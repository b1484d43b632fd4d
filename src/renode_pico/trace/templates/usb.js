// Names and decoders of USB 2.0, chapter 9, and of the classes met most often.
const PID = {1: "OUT", 2: "ACK", 3: "DATA0", 5: "SOF", 9: "IN", 10: "NAK", 11: "DATA1", 13: "SETUP", 14: "STALL"};
const TYPES = ["control", "isochronous", "bulk", "interrupt"];
const REQUESTS = ["GET_STATUS", "CLEAR_FEATURE", "", "SET_FEATURE", "", "SET_ADDRESS", "GET_DESCRIPTOR", "SET_DESCRIPTOR",
  "GET_CONFIGURATION", "SET_CONFIGURATION", "GET_INTERFACE", "SET_INTERFACE", "SYNCH_FRAME"];
const DESCRIPTORS = {1: "device", 2: "configuration", 3: "string", 4: "interface", 5: "endpoint", 6: "device qualifier",
  7: "other speed", 11: "interface association", 15: "BOS", 0x21: "HID", 0x22: "HID report", 0x24: "class-specific interface",
  0x25: "class-specific endpoint"};
const CLASSES = {1: "audio", 2: "communications", 3: "HID", 8: "mass storage", 0x0a: "CDC data", 0xef: "miscellaneous",
  0xfe: "application specific", 0xff: "vendor"};
const CDC_REQUESTS = {0x00: "SEND_ENCAPSULATED_COMMAND", 0x20: "SET_LINE_CODING", 0x21: "GET_LINE_CODING",
  0x22: "SET_CONTROL_LINE_STATE", 0x23: "SEND_BREAK"};
const HID_REQUESTS = {1: "GET_REPORT", 2: "GET_IDLE", 3: "GET_PROTOCOL", 9: "SET_REPORT", 10: "SET_IDLE", 11: "SET_PROTOCOL"};
const STORAGE_REQUESTS = {0xfe: "GET_MAX_LUN", 0xff: "BULK_ONLY_RESET"};
const CDC_FUNCTIONS = {0: "header", 1: "call management", 2: "abstract control management", 6: "union"};
const FEATURES = ["ENDPOINT_HALT", "DEVICE_REMOTE_WAKEUP", "TEST_MODE"];

const hex = (value, digits = 2) => value.toString(16).padStart(digits, "0");
const word = (bytes, at) => bytes[at] | bytes[at + 1] << 8;
const bcd = value => `${value >> 8}.${hex(value >> 4 & 15, 1)}${hex(value & 15, 1)}`;

function parseSetup(b) {
  return {type: b[0], request: b[1], value: word(b, 2), index: word(b, 4), length: word(b, 6), isIn: b[0] >= 0x80};
}

// The request's name; `classes` maps interface numbers to bInterfaceClass as the device's configuration has them.
function requestName(s, classes, data) {
  const kind = s.type >> 5 & 3, recipient = s.type & 31;
  if (kind === 0) {
    const name = REQUESTS[s.request] || `standard request 0x${hex(s.request)}`;
    if (s.request === 6 || s.request === 7) {
      const type = s.value >> 8, number = s.value & 255;
      const which = DESCRIPTORS[type] || `0x${hex(type)}`;
      return `${name} ${which}${number || type === 3 ? " " + number : ""}`;
    }
    if (s.request === 5 || s.request === 9) return `${name} ${s.value}`;
    if (s.request === 1 || s.request === 3) {
      return `${name} ${FEATURES[s.value] || s.value}${recipient === 2 ? ` endpoint 0x${hex(s.index & 255)}` : ""}`;
    }
    if (s.request === 11) return `${name} interface ${s.index} alternate ${s.value}`;
    return name;
  }
  if (kind === 1 && recipient === 1) {
    const owner = (classes || {})[s.index & 255];
    if (owner === 2) {
      const name = CDC_REQUESTS[s.request] || `CDC request 0x${hex(s.request)}`;
      if (s.request === 0x22) return `${name} ${s.value & 1 ? "DTR" : "dtr"} ${s.value & 2 ? "RTS" : "rts"}`;
      if ((s.request === 0x20 || s.request === 0x21) && data && data.length >= 7) return `${name} ${lineCoding(data)}`;
      return name;
    }
    if (owner === 3) return HID_REQUESTS[s.request] || `HID request 0x${hex(s.request)}`;
    if (owner === 8) return STORAGE_REQUESTS[s.request] || `mass storage request 0x${hex(s.request)}`;
  }
  const who = ["", "class", "vendor", "reserved"][kind], whom = ["device", "interface", "endpoint", "other"][recipient] || recipient;
  return `${who} request 0x${hex(s.request)} to ${whom}`;
}

function lineCoding(b) {
  const rate = word(b, 0) + word(b, 2) * 65536;
  return `${rate} ${b[6]}${"NOEMS"[b[5]] || "?"}${["1", "1.5", "2"][b[4]] || "?"}`;
}

// interface number -> class, from a configuration descriptor
function interfaceClasses(bytes) {
  const classes = {};
  for (let at = 0; at + 2 <= bytes.length && bytes[at] >= 2; at += bytes[at]) {
    if (bytes[at + 1] === 4 && at + 9 <= bytes.length) classes[bytes[at + 2]] = bytes[at + 5];
  }
  return classes;
}

const FIELDS = {
  1: [["bcdUSB", 2, 2, bcd], ["bDeviceClass", 4, 1, className], ["bDeviceSubClass", 5, 1], ["bDeviceProtocol", 6, 1],
    ["bMaxPacketSize0", 7, 1], ["idVendor", 8, 2, id], ["idProduct", 10, 2, id], ["bcdDevice", 12, 2, bcd], ["iManufacturer", 14, 1],
    ["iProduct", 15, 1], ["iSerialNumber", 16, 1], ["bNumConfigurations", 17, 1]],
  2: [["wTotalLength", 2, 2], ["bNumInterfaces", 4, 1], ["bConfigurationValue", 5, 1], ["iConfiguration", 6, 1],
    ["bmAttributes", 7, 1, v => `0x${hex(v)}${v & 64 ? " self powered" : ""}${v & 32 ? " remote wake-up" : ""}`],
    ["bMaxPower", 8, 1, v => `${v * 2} mA`]],
  4: [["bInterfaceNumber", 2, 1], ["bAlternateSetting", 3, 1], ["bNumEndpoints", 4, 1], ["bInterfaceClass", 5, 1, className],
    ["bInterfaceSubClass", 6, 1], ["bInterfaceProtocol", 7, 1], ["iInterface", 8, 1]],
  5: [["bEndpointAddress", 2, 1, v => `0x${hex(v)} ${v & 128 ? "IN" : "OUT"}`], ["bmAttributes", 3, 1, v => `${v} ${TYPES[v & 3]}`],
    ["wMaxPacketSize", 4, 2], ["bInterval", 6, 1]],
  11: [["bFirstInterface", 2, 1], ["bInterfaceCount", 3, 1], ["bFunctionClass", 4, 1, className], ["bFunctionSubClass", 5, 1],
    ["bFunctionProtocol", 6, 1], ["iFunction", 7, 1]],
  0x21: [["bcdHID", 2, 2, bcd], ["bCountryCode", 4, 1], ["bNumDescriptors", 5, 1], ["bDescriptorType", 6, 1], ["wDescriptorLength", 7, 2]],
};
function className(value) { return `${value} ${CLASSES[value] || ""}`; }
function id(value) { return `0x${hex(value, 4)}`; }

// A descriptor tree: [{title, fields: [[name, text]], raw}], each as the device sent it, cut ones included.
function decodeDescriptors(bytes, stringIndex) {
  const found = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    const length = bytes[at], type = bytes[at + 1];
    if (length < 2) break;
    const raw = bytes.subarray(at, at + length), fields = [];
    let title = `${DESCRIPTORS[type] || `type 0x${hex(type)}`}`;
    for (const [name, offset, size, show] of FIELDS[type] || []) {
      if (offset + size > raw.length) break;
      const value = size === 2 ? word(raw, offset) : raw[offset];
      fields.push([name, show ? show(value) : String(value)]);
    }
    if (type === 3) {
      if (stringIndex === 0) {
        for (let i = 2; i + 1 < raw.length; i += 2) fields.push(["wLANGID", id(word(raw, i))]);
      } else {
        fields.push(["bString", JSON.stringify(new TextDecoder("utf-16le").decode(raw.subarray(2)))]);
      }
    }
    if (type === 0x24) title += `: ${CDC_FUNCTIONS[raw[2]] || `subtype ${raw[2]}`}`;
    if (type === 4 && raw.length >= 9) title += ` ${raw[2]}: ${CLASSES[raw[5]] || `class ${raw[5]}`}`;
    if (type === 5 && raw.length >= 7) title += ` 0x${hex(raw[2])}: ${TYPES[raw[3] & 3]} ${raw[2] & 128 ? "IN" : "OUT"}`;
    if (raw.length < length) title += ` (cut: ${raw.length} of ${length} bytes)`;
    found.push({title, fields, raw});
    at += length;
  }
  return found;
}
