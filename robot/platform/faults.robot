*** Settings ***
Documentation     What the core and the bus refuse is a HardFault at its instruction; what they ignore is nothing. The program on the
...               board has handlers of its own: after a fault it goes on with the next instruction.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Test Setup        A Pico That Counts Its Faults

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Refuse What Is Not Aligned
    [Tags]    row:P11.unaligned
    The Board Says    all(refused(load_word, RAM + n) for n in (1, 2, 3)) and not refused(load_word, RAM + 4)    True
    The Board Says    refused(load_half, RAM + 1) and refused(store_half, RAM + 3) and not refused(load_half, RAM + 2)    True
    The Board Says    refused(store_word, RAM + 2) and refused(load_word, 0x10000102) and refused(load_word, 0x4005402a)    True

Should Refuse What Is Nowhere
    [Tags]    row:P11.unmapped
    The Board Runs    holes = (0x00004000, 0x16000000, 0x20042000, 0x21040000, 0x30000000, 0x40070000, 0x50120000, 0x60000000, 0xd0001000)
    The Board Says    all(refused(load_word, a) for a in holes)    True
    The Board Says    all(refused(store_word, a) and refused(store_byte, a + 1) for a in holes)    True

Should Ignore Stores Into The Boot ROM
    [Documentation]    RP2040 datasheet, 2.6.1. Drivers make one for endpoint 0.
    The Board Runs    before = [mem32[a] for a in (0, 0x20, 0x400, 0x3ffc)]
    The Board Says    any(refused(store_word, a) for a in (0, 0x20, 0x400, 0x3ffc)) or refused(store_byte, 0x11)    False
    The Board Says    [mem32[a] for a in (0, 0x20, 0x400, 0x3ffc)] == before    True

Should Refuse Stores To Windows Of The Flash That Allocate Nothing
    [Documentation]    Or ignore them, as XIP_CTRL.CTRL.ERR_BADWRITE says (RP2040 datasheet, 2.6.3).
    The Board Runs    before = mem32[0x11100000]
    The Board Says    all(refused(store_word, a) for a in (0x11100000, 0x12100000, 0x13100000))    True
    The Board Runs    mem32[0x14003000] = 2
    The Board Says    any(refused(store_word, a) for a in (0x11100000, 0x12100000, 0x13100000))    False
    The Board Runs    mem32[0x14002000] = 2
    The Board Says    mem32[0x13100000] == mem32[0x10100000] == before    True

Should Have The Cache's Memory As SRAM Only While There Is No Cache
    The Board Says    refused(load_word, 0x15000000) and refused(store_word, 0x15003ffc)    True
    The Board Runs    mem32[0x14003000] = 1
    The Board Says    refused(store_word, 0x15003ffc) or mem32[0x15003ffc] != 0x15003ffc    False
    The Board Runs    mem32[0x14000004] = 1; mem32[0x14002000] = 1

Should Refuse What ARMv6-M Lacks
    [Tags]    row:P11.undefined
    The Board Says    refused(undefined) and refused(undefined) and refused(compare_and_branch) and refused(if_then)    True

Should Protect A Region
    [Tags]    row:P11.mpu
    The Board Runs    mem32[0xe000ed98] = 7; mem32[0xe000ed9c] = RAM; mem32[0xe000eda0] = 0x0600000f; mem32[0xe000ed94] = 5
    The Board Says    refused(store_word, RAM) and not refused(load_word, RAM) and not refused(store_word, RAM + 256)    True
    The Board Runs    mem32[0xe000eda0] = 0x0000000f
    The Board Says    refused(load_word, RAM + 252) and not refused(load_word, RAM + 256)    True
    The Board Runs    mem32[0xe000ed94] = 0
    The Board Says    refused(store_word, RAM)    False

Should Take An NMI Whatever Is Masked
    [Tags]    row:P11.priorities
    The Board Runs    before = count[1]; state = machine.disable_irq(); mem32[0xe000ed04] = 1 << 31; seen = count[1]; machine.enable_irq(state)
    The Board Says    seen - before    1

*** Keywords ***
A Pico That Counts Its Faults
    [Documentation]    RAM: the address of 1 KiB; refused(probe, *arguments): whether that made one fault.
    A Pico Without A Cable    uart
    The Board Runs
    ...    import array, machine, micropython, uctypes
    ...    from machine import mem32
    ...    count, space = array.array("I", (0, 0)), bytearray(2048)
    ...    RAM = uctypes.addressof(space) + 1023 & ~1023
    ...    at = uctypes.addressof(count)
    ...    # the address of the instruction is the seventh word of the frame; then count up
    ...    hard_fault = array.array("H", (0x9806, 0x3002, 0x9006, 0x4802, 0x6801, 0x3101, 0x6001, 0x4770, at & 0xffff, at >> 16))
    ...    nmi = array.array("H", (0x4802, 0x6801, 0x3101, 0x6001, 0x4770, 0, at + 4 & 0xffff, at + 4 >> 16))
    ...    table = bytearray(512)
    ...    vectors = uctypes.addressof(table) + 255 & ~255
    ...    for n in range(48): mem32[vectors + 4 * n] = mem32[mem32[0xe000ed08] + 4 * n]
    ...    \
    ...    mem32[vectors + 8] = uctypes.addressof(nmi) | 1
    ...    mem32[vectors + 12] = uctypes.addressof(hard_fault) | 1
    ...    mem32[0xe000ed08] = vectors
    The Board Runs
    ...    @micropython.asm_thumb
    ...    def load_word(r0): ldr(r0, [r0, 0])
    ...    \
    ...    @micropython.asm_thumb
    ...    def load_half(r0): ldrh(r0, [r0, 0])
    ...    \
    ...    @micropython.asm_thumb
    ...    def store_word(r0): str(r0, [r0, 0])
    ...    \
    ...    @micropython.asm_thumb
    ...    def store_half(r0): strh(r0, [r0, 0])
    ...    \
    ...    @micropython.asm_thumb
    ...    def store_byte(r0): strb(r0, [r0, 0])
    ...    \
    ...    @micropython.asm_thumb
    ...    def undefined(): data(2, 0xde00)
    ...    \
    ...    @micropython.asm_thumb
    ...    def compare_and_branch(): data(2, 0xb100)
    ...    \
    ...    @micropython.asm_thumb
    ...    def if_then(): data(2, 0xbf08)
    ...    \
    ...    def refused(probe, *arguments):
    ...    \ \ before = count[0]
    ...    \ \ probe(*arguments)
    ...    \ \ return count[0] == before + 1
