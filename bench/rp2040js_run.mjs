// Boots a UF2 on rp2040js and runs a program on its USB REPL; what it took goes to stdout as JSON.
//   node rp2040js_run.mjs MODULES FIRMWARE BOOTROM CODE
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const [modules, firmware, rom, code] = process.argv.slice(2);
const { Simulator, USBCDC, ConsoleLogger, LogLevel } = await import(`${modules}/rp2040js/dist/esm/index.js`);
const simulator = new Simulator();
const mcu = simulator.rp2040;
mcu.logger = new ConsoleLogger(LogLevel.Error);
const boot = readFileSync(rom);
mcu.loadBootrom(new Uint32Array(boot.buffer, boot.byteOffset, boot.length / 4));
const image = readFileSync(firmware);
for (let at = 0; at < image.length; at += 512) {
  mcu.flash.set(image.subarray(at + 32, at + 32 + image.readUInt32LE(at + 16)), image.readUInt32LE(at + 12) - 0x10000000);
}
const cdc = new USBCDC(mcu.usbCtrl);
let said = '';
let began = 0;
const send = (text) => { for (const byte of Buffer.from(text)) cdc.sendSerialByte(byte); };
cdc.onDeviceConnected = () => send('\r\n');
cdc.onSerialData = (data) => {
  said += Buffer.from(data).toString('latin1');
  if (!began && said.endsWith('>>> ')) {
    began = performance.now();
    said = '';
    send('\x01');
    send(`${code}\x04`);
  } else if (began && said.includes('\x04>')) {
    console.log(JSON.stringify({ prompt: began / 1000, seconds: (performance.now() - began) / 1000, bytes: said.length }));
    process.exit(0);
  }
};
mcu.core.PC = 0x10000000;
simulator.execute();
