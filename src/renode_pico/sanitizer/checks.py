"""Each check of the USB sanitizer in words: what is wrong, what becomes of it on silicon, and where that is written.

Sections are the RP2040 datasheet's, as numbered since 2024; before, 4.1.2.7 was 4.1.2.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from renode_pico.rp2040.usb_sanitizer import Check


@dataclass(frozen=True, slots=True)
class Words:
    """`says`: what the firmware did; `then`: what silicon may do; `section`: of the datasheet, or which document."""

    says: str
    then: str
    section: str


CHECKS: dict[Check, Words] = {
    Check.EARLY_AVAILABLE: Words(
        "AVAILABLE is set less than a cycle of clk_usb after the rest of the buffer control word",
        "the controller may see AVAILABLE with the length and PID of the packet before",
        "4.1.2.7.1, Concurrent access",
    ),
    Check.ARMED_BUFFER: Words(
        "a buffer is written while it is the controller's (AVAILABLE)",
        "the host may get part of the old and part of the new, or the firmware loses what the host sent",
        "4.1.2.7.1, Concurrent access",
    ),
    Check.ARMED_CONTROL: Words(
        "the endpoint control word is changed while a buffer of that endpoint is AVAILABLE",
        "a transaction may begin with the old word and end with the new one",
        "4.1.2.7, Endpoint control register",
    ),
    Check.REVOKED: Words(
        "the control word of an AVAILABLE buffer is changed without EP_ABORT_DONE",
        "a transaction may be under way in that buffer, and its end undoes the change",
        "4.1.4, EP_ABORT and EP_ABORT_DONE",
    ),
    Check.LATE_CLEAR: Words(
        "BUFF_STATUS is cleared after the buffer has been made AVAILABLE again",
        "a completion in between is cleared unseen, and the endpoint stands still",
        "4.1.4, BUFF_STATUS",
    ),
    Check.OVERLAP: Words(
        "two endpoints have AVAILABLE buffers that overlap in DPSRAM",
        "what one receives is what the other sends",
        "4.1.2.7, Endpoint control register",
    ),
    Check.ABORT: Words(
        "EP_ABORT is used on a chip older than B2",
        "every endpoint answers NAK from then on",
        "RP2040-E2",
    ),
    Check.IN_RESET: Words(
        "a register is written while RESETS holds the controller in reset",
        "the write is lost",
        "2.14, Subsystem Resets",
    ),
    Check.UNALIGNED: Words(
        "an unaligned access to DPSRAM",
        "a HardFault; on an RP2350, too, though its cores take unaligned accesses to other memory",
        "ARMv6-M Architecture Reference Manual, A3.2",
    ),
    Check.EARLY_ADDRESS: Words(
        "ADDR_ENDP gets the new address before the status stage of SET_ADDRESS is over",
        "the host's status token goes to the old address and is not answered",
        "USB 2.0, 9.4.6",
    ),
}
