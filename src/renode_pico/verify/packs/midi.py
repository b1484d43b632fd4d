"""USB MIDI 1.0: one function for each item of `packs/midi.toml`."""

from __future__ import annotations

from dataclasses import dataclass

from renode_pico.usb.classes.common import CS_INTERFACE
from renode_pico.usb.classes.midi import AUDIO_CLASS, MIDI_STREAMING
from renode_pico.usb.descriptors import EndpointDescriptor, Interface
from renode_pico.verify.bench import Bench
from renode_pico.verify.table import check

AUDIO_CONTROL = 0x01
HEADER, IN_JACK, OUT_JACK, ELEMENT = 0x01, 0x02, 0x03, 0x04
CS_ENDPOINT, MS_GENERAL = 0x25, 0x01
EMBEDDED = 0x01
EVENTS = bytes.fromhex(
    "00000000 01000000 02f10500 03f20102 04f0010a 05f70000 0601f700 070102f7"
    "0880 3c40 0990 3c40 0aa0 3c40 0bb0 0740 0cc0 0500 0dd0 4000 0ee0 0040 0ff8 0000".replace(" ", "")
)
"""An event packet with each code index number (table 4-1), those that are reserved included."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """A MIDI streaming interface. `ins`, `outs`: its jacks' types by their IDs."""

    setting: Interface
    header: bytes
    elements: list[bytes]
    ins: list[bytes]
    outs: list[bytes]

    @property
    def ids(self) -> list[int]:
        """All entities' IDs."""
        return [part[4] for part in self.ins + self.outs if len(part) > 4] + [part[3] for part in self.elements]

    def endpoint(self, into: bool) -> EndpointDescriptor | None:
        """Its endpoint of a direction."""
        return next((each for each in self.setting.endpoints if bool(each.bEndpointAddress & 0x80) == into), None)


def streams(bench: Bench) -> list[Streaming]:
    """The MIDI interfaces of the configured device. Raises NotApplicable when there are none."""
    settings = [
        each
        for each in bench.tree.settings()
        if (each.bInterfaceClass, each.bInterfaceSubClass) == (AUDIO_CLASS, MIDI_STREAMING) and each.endpoints
    ]
    if not settings:
        bench.skip("this device has no MIDI streaming interface")
    bench.to_configured()
    found = []
    for each in settings:
        parts: dict[int, list[bytes]] = {}
        for part in each.extra:
            if len(part) >= 3 and part[1] == CS_INTERFACE:
                parts.setdefault(part[2], []).append(part)
        header = (parts.get(HEADER) or [b""])[0]
        found.append(Streaming(each, header, parts.get(ELEMENT, []), parts.get(IN_JACK, []), parts.get(OUT_JACK, [])))
    return found


def general(endpoint: EndpointDescriptor) -> bytes:
    """An endpoint's MS_GENERAL descriptor; nothing when it has none."""
    wanted = bytes([CS_ENDPOINT, MS_GENERAL])
    return next((part for part in endpoint.extra if part[1:3] == wanted), b"")


@check("MIDI1")
def header(bench: Bench) -> None:
    """Adds up the class descriptors of interface and endpoints, and looks for the audio control interface."""
    for each in streams(bench):
        parts = [part for part in each.setting.extra if part[1] == CS_INTERFACE]
        parts += [part for endpoint in each.setting.endpoints for part in endpoint.extra if part[1] == CS_ENDPOINT]
        standard = sum(endpoint.raw[0] for endpoint in each.setting.endpoints)
        total, told = sum(map(len, parts)), int.from_bytes(each.header[5:7], "little")
        bench.note("MIDI streaming header", each.header.hex(" ") or "none")
        bench.expect(len(each.header) == 7 and told in (total, total + standard), f"7 bytes, a total of {total}")
        controls = [
            part
            for setting in bench.tree.settings()
            if (setting.bInterfaceClass, setting.bInterfaceSubClass) == (AUDIO_CLASS, AUDIO_CONTROL)
            for part in setting.extra
            if part[1:3] == bytes([CS_INTERFACE, HEADER])
        ]
        bench.note("audio control headers", [part.hex(" ") for part in controls])
        number = each.setting.bInterfaceNumber
        bench.expect(
            any(len(part) > 8 and number in part[8:] for part in controls), f"one that names interface {number}"
        )


@check("MIDI2")
def jacks(bench: Bench) -> None:
    """Looks at the IDs of all jacks and elements, and at the source of each out jack's pins."""
    for each in streams(bench):
        bench.note("IDs of jacks and elements", each.ids)
        bench.expect(
            each.ids and 0 not in each.ids and len(set(each.ids)) == len(each.ids), "each once, none of them 0"
        )
        for part in each.outs:
            pins = part[5]
            sources = part[6 : 6 + 2 * pins : 2]
            bench.note(f"sources of out jack {part[4]}", sources.hex(" "))
            bench.expect(len(part) == 7 + 2 * pins, f"{7 + 2 * pins} bytes")
            bench.expect(all(source in each.ids for source in sources), "IDs that are there")


@check("MIDI3")
def endpoints(bench: Bench) -> None:
    """An OUT endpoint has embedded in jacks, an IN endpoint embedded out jacks."""
    for each in streams(bench):
        for endpoint in each.setting.endpoints:
            part = general(endpoint)
            bench.note(f"MIDI endpoint {endpoint.bEndpointAddress:#04x}", part.hex(" ") or "no class descriptor")
            bench.expect(len(part) >= 5 and len(part) == 4 + part[3], "a class descriptor with at least one jack")
            own = each.outs if endpoint.bEndpointAddress & 0x80 else each.ins
            embedded = [jack[4] for jack in own if jack[3] == EMBEDDED]
            bench.expect(all(jack in embedded for jack in part[4:]), f"jacks of {embedded}")


@check("MIDI4")
def events(bench: Bench) -> None:
    """Sends one packet with each code index number, singly, then all in one transfer; what comes back is read away."""
    for each in streams(bench):
        out, into = each.endpoint(into=False), each.endpoint(into=True)
        if out is None:
            continue
        for at in [*range(0, len(EVENTS), 4), -1]:
            data = EVENTS if at < 0 else EVENTS[at : at + 4]
            bench.expect(bench.write(out, data).ok, "event packets taken")
            while into is not None and bench.read(into, into.max_packet_size, 0.005).data:
                pass


@check("MIDI5")
def received(bench: Bench) -> None:
    """Sends a note to each cable and looks at the form of what the device sends, then or by itself."""
    came = b""
    for each in streams(bench):
        out, into = each.endpoint(into=False), each.endpoint(into=True)
        if into is None:
            continue
        if out is not None:
            bench.expect(bench.write(out, bytes.fromhex("09903c40 08803c40")).ok, "event packets taken")
        cables = max(1, general(into)[3] if len(general(into)) > 3 else 1)
        while data := bench.read(into, into.max_packet_size, 0.05).data:
            came += data
            bench.note(f"IN {into.bEndpointAddress:#04x}", data.hex(" "))
            bench.expect(len(data) % 4 == 0, "packets of 4 bytes")
            for at in range(0, len(data), 4):
                event = data[at : at + 4]
                bench.expect(event[0] >> 4 < cables, f"a cable below {cables}")
                kind = event[0] & 0x0F
                bench.expect(kind < 8 or kind == 15 or event[1] >> 4 == kind, "a status byte as the code says")
            if len(came) > 1024:
                break
    if not came:
        bench.skip("this device has sent no event")
