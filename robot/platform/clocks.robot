*** Settings ***
Documentation    Oscillators, PLLs, clock generators, resets, power-on state machine.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode
${COUNTER}    def khz(source):\r mem32[0x40008094] = source\r while not mem32[0x40008098] & 16: pass\r return mem32[0x4000809c] >> 5

*** Test Cases ***
Should Run At The Frequencies The Firmware Sets
    [Tags]    row:P4.clocks    row:P4.frequencies
    Boot Pico
    Run On REPL    from machine import mem32    ${COUNTER}
    ...    print("sys", khz(9), "peri", khz(10), "usb", khz(11), "adc", khz(12), "rtc", khz(13), "ref", khz(8))
    Output Should Be    sys 125000 peri 48000 usb 48000 adc 48000 rtc 46 ref 12000

Should Count Its Oscillators And PLLs
    [Documentation]    By the frequency counter; then the ring oscillator is switched off and on.
    [Tags]    row:P4.oscillators    row:P4.plls
    Boot Pico
    Run On REPL    from machine import mem32    ${COUNTER}
    ...    rosc, xosc = 0x40060000, 0x40024000
    ...    print("pll", khz(1), khz(2), "xosc", khz(5), hex(mem32[xosc + 4] >> 12 & 0x80001))
    ...    print("rosc", 1800 < khz(3) < 12000, hex(mem32[rosc + 0x18] >> 12 & 0x80001))
    ...    control = mem32[rosc]
    ...    mem32[rosc] = 0xd1e000 | control & 0xfff; print("off", khz(3), hex(mem32[rosc + 0x18] >> 12 & 0x80001))
    ...    mem32[rosc] = 0xfab000 | control & 0xfff; print("on", 1800 < khz(3) < 12000, hex(mem32[rosc + 0x18] >> 12 & 0x80001))
    Output Should Be    pll 125000 48000 xosc 12000 0x80001    rosc True 0x80001    off 0 0x0    on True 0x80001

Should Follow A Change Of Frequency
    [Tags]    row:P4.clocks    row:P4.plls    row:P4.frequencies
    [Documentation]    machine.freq() sets the UART up anew: what is still in its FIFO is lost, as on the chip, so it waits.
    Boot Pico
    Run On REPL    import machine, time    from machine import mem32    ${COUNTER}
    ...    for f in (48_000_000, 200_000_000, 133_000_000):
    ...    \ \ machine.freq(f); print(machine.freq(), khz(9)); time.sleep_ms(20)
    Output Should Be    48000000 48000    200000000 200000    133000000 133000
    The System Clock Is    133000000

Should Execute At The Rate Of The Clock
    [Documentation]    Instructions take cycles of clk_sys; the dial says how many fit into a microsecond at 125 MHz.
    [Tags]    row:P4.clocks    row:P12.clk-sys    row:P9.one-dial@renode
    Boot Pico
    Run On REPL    import machine, time
    ...    def loop():\r t = time.ticks_us()\r for _ in range(2000): pass\r return time.ticks_diff(time.ticks_us(), t)
    ...    def at(mhz): machine.freq(mhz * 1000000); time.sleep_ms(5); return mhz * loop()
    ...    base = loop(); base = at(125); print([round(100 * at(mhz) / base) for mhz in (48, 18, 250, 125)])
    Output Should Be    [100, 100, 100, 100]

Should Bring A Stopped Clock Back When That Was Asked For
    [Tags]    row:P4.clocks
    Boot Pico
    Run On REPL    from machine import mem32    ${COUNTER}
    ...    mem32[0x40008078] = 0x1ff; mem32[0x4002a004] = 0x20
    ...    print("resuscitated", mem32[0x4000807c], khz(9))
    ...    mem32[0x4000b03c] = 1; mem32[0x4002b004] = 0x20; mem32[0x40008078] = 0x100ff; mem32[0x4000803c] = 1
    ...    print("back", mem32[0x4000807c], khz(9))
    Output Should Be    resuscitated 1 12000    back 0 125000

Should Sleep Without A Clock Until A Pin Changes
    [Documentation]    MicroPython's lightsleep() makes the crystal dormant.
    [Tags]    row:P4.oscillators    row:P4.clocks
    Boot Pico
    Begin On REPL    import machine    from machine import mem32, Pin
    ...    import time; pin = Pin(7, Pin.IN, Pin.PULL_DOWN); mem32[0x40014160] = 1 << 31
    ...    print("sleeps"); time.sleep_ms(10); machine.lightsleep(); print("awake", mem32[0x40024008] == 0x77616b65)
    Output Should Be    sleeps
    The Emulation Runs For    0.1
    ${before}=    The Register Holds    0x40054028
    The Emulation Runs For    0.1
    ${after}=    The Register Holds    0x40054028
    Should Be Equal    ${before}    ${after}    # TIMER has no tick
    The System Clock Is    0
    The Pin Is Driven    7    high
    Output Should Be    awake True

Should Take A Clock From Outside
    [Tags]    row:P4.clocks    row:P4.frequencies
    Boot Pico
    The Clock Input Sees    20    32768
    Run On REPL    from machine import mem32    ${COUNTER}
    ...    print("nothing", khz(6)); mem32[0x400140a4] = 8; print("clock", khz(6))
    Output Should Be    nothing 0    clock 32
    Run Keyword And Expect Error    *no clock input*    The Clock Input Sees    21    1000

Should Hold A Block In Reset
    [Tags]    row:P4.resets
    Boot Pico
    Run On REPL
    ...    from machine import mem32
    ...    pwm = 0x40050000
    ...    mem32[0x4000f000] = 1 << 14
    ...    mem32[pwm + 0x10] = 0x1234; print(hex(mem32[pwm + 0x10]), mem32[0x4000c008] >> 14 & 1)
    ...    mem32[0x4000e000] = 1 << 14
    ...    mem32[pwm + 0x10] = 0x4321; print(hex(mem32[pwm + 0x10]), mem32[0x4000c008] >> 14 & 1)
    ...    mem32[0x4000f000] = 1 << 14
    ...    print(hex(mem32[pwm + 0x10]), mem32[0x4000c008] >> 14 & 1)
    Output Should Be    0x1234 1    0xffff 0    0xffff 1

Should Have All Stages Of The Power-On State Machine Done
    [Documentation]    Then core 1, the last one, is kept from power, and given it again.
    [Tags]    row:P4.power-on
    Boot Pico
    On REPL    from machine import mem32; print(hex(mem32[0x4001000c]), hex(mem32[0x40064008]))    0x1ffff 0x100
    Run On REPL
    ...    mem32[0x40012004] = 1 << 16; print(hex(mem32[0x4001000c]))
    ...    mem32[0x40013004] = 1 << 16; print(hex(mem32[0x4001000c]))
    Output Should Be    0xffff    0x1ffff

Should Set, Clear And Flip Bits Through The Aliases
    Boot Pico
    Run On REPL
    ...    from machine import mem32, mem16, mem8
    ...    r = 0x4005800c
    ...    mem32[r] = 0xf0f0; mem32[r + 0x2000] = 0x000f; print(hex(mem32[r]))
    ...    mem32[r + 0x3000] = 0xf000; print(hex(mem32[r + 0x1000]))
    ...    mem32[r + 0x1000] = 0xffff; print(hex(mem32[r]))
    ...    mem8[r] = 0x5a; print(hex(mem32[r]), hex(mem8[r + 3]), hex(mem16[r + 2]))
    Output Should Be    0xf0ff    0xff    0xff00    0x5a5a5a5a 0x5a 0x5a5a

Should Warn Once About A Register That Does Nothing
    Boot Pico
    The Warnings Are Kept
    Run On REPL    from machine import mem32    for i in range(3): mem32[0x40004018] = i + 1
    Wait For REPL
    It Was Warned Once Of    syscfg    MEMPOWERDOWN    accesses=3
