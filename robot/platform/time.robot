*** Settings ***
Documentation    Timer and alarms, real time clock, watchdog and the resets that it makes.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Sleep For The Time Asked
    [Documentation]    The first reading of the time after a pause of the emulation may be off by a time slice: one sleep
    ...    leads beyond it. MicroPython itself may wake up a millisecond early when an event comes between; on Renode
    ...    1.15 the end of each time slice is one. Last, the board's time is held against that of the emulation.
    [Tags]    row:P5.time
    Boot Pico
    Run On REPL
    ...    import time
    ...    def slept(ms): t = time.ticks_us(); time.sleep_ms(ms); return time.ticks_diff(time.ticks_us(), t) - 1000 * ms
    ...    time.sleep_ms(2)
    ...    print([-1000 < slept(ms) < ${{ 30 * $CYCLES_OF_INSTRUCTIONS }} for ms in (1, 7, 50, 250)])
    Output Should Be    [True, True, True, True]
    Wait For REPL
    ${before}=    Emulated Milliseconds
    Run On REPL    time.sleep_ms(1000); print("awake")
    Output Should Be    awake
    ${after}=    Emulated Milliseconds
    Should Be True    1000 <= ${after} - ${before} < 1100

Should Call Timers Back
    [Tags]    row:P5.timer
    Boot Pico
    Run On REPL
    ...    from machine import Timer
    ...    import time
    ...    ticks = []
    ...    a = Timer(period=10, callback=lambda t: ticks.append(time.ticks_ms()))
    ...    b = Timer(mode=Timer.ONE_SHOT, period=35, callback=lambda t: ticks.append("once"))
    ...    time.sleep_ms(105); a.deinit()
    ...    print(len(ticks), ticks.count("once"), all(9 <= y - x <= 11 for x, y in zip(ticks, ticks[1:]) if "once" not in (x, y)))
    Output Should Be    11 1 True

Should Fire An Alarm At The Exact Microsecond
    [Tags]    row:P5.alarms
    Boot Pico
    Run On REPL
    ...    from machine import mem32, disable_irq, enable_irq
    ...    T = 0x40054000
    ...    mem32[T + 0x10] = mem32[T + 0x28] + 1000; armed = mem32[T + 0x20]
    ...    while mem32[T + 0x20] & 1: pass
    ...    print(armed & 1, 0 <= mem32[T + 0x28] - mem32[T + 0x10] < ${{ 30 * $CYCLES_OF_INSTRUCTIONS }}, mem32[T + 0x34] & 1)
    ...    mem32[T + 0x3034] = 1; print(mem32[T + 0x34] & 1)
    Output Should Be    1 True 1    0

Should Keep The Calendar
    [Tags]    row:P5.rtc
    Boot Pico
    Run On REPL
    ...    import machine, time
    ...    rtc = machine.RTC()
    ...    rtc.datetime((2024, 2, 28, 2, 23, 59, 58, 0)); time.sleep_ms(2500); print(rtc.datetime())
    ...    rtc.datetime((2023, 12, 31, 6, 23, 59, 59, 0)); time.sleep_ms(1500); print(rtc.datetime())
    Output Should Be    (2024, 2, 29, 3, 0, 0, 0, 0)    (2024, 1, 1, 0, 0, 0, 0, 0)
    The Calendar Says    2024-01-01 00:00:00

Should Reset Itself
    [Tags]    row:P5.machine-reset    row:P5.reset-cause
    Boot Pico
    On REPL    import machine; print(machine.reset_cause() == machine.PWRON_RESET)    True
    Run On REPL    import machine    machine.reset()
    It Should Say    MicroPython v
    Wait For REPL
    On REPL    import machine; print(machine.reset_cause() == machine.WDT_RESET)    True

Should Be Reset By A Hungry Watchdog
    [Documentation]    500 ms, and what it takes to start: until the firmware sets its clocks, the ring oscillator's 6.5 MHz.
    [Tags]    row:P5.watchdog    row:P5.reset-cause
    Boot Pico
    Run On REPL
    ...    import machine, time
    ...    machine.mem32[0x40058010] = 0xcafe
    ...    dog = machine.WDT(timeout=500)
    ...    for _ in range(8): time.sleep_ms(100); dog.feed()
    ...    print("still here")
    ...    while True: pass
    Output Should Be    still here
    ${before}=    Emulated Milliseconds
    It Should Say    MicroPython v
    ${after}=    Emulated Milliseconds
    Should Be True    500 < ${after} - ${before} < 520
    Wait For REPL
    On REPL    import machine; print(machine.reset_cause() == machine.WDT_RESET, hex(machine.mem32[0x40058010]))    True 0xcafe

Should Forget The Watchdog's Reset At The Next One
    [Tags]    row:P5.reset-cause
    Boot Pico
    Run On REPL    import machine    machine.reset()
    It Should Say    MicroPython v
    Wait For REPL
    The Board Is Reset
    On REPL    import machine; print(machine.reset_cause() == machine.PWRON_RESET)    True

Should Reset Both Cores
    [Tags]    row:P2.both-cores
    Boot Pico    cores=2
    Run On REPL
    ...    import _thread, machine, time
    ...    def task():
    ...    \ \ while True: pass
    ...    _thread.start_new_thread(task, ())
    ...    time.sleep_ms(5)
    ...    machine.reset()
    It Should Say    MicroPython v
    Wait For REPL
    Run On REPL
    ...    import _thread, time
    ...    def task(): print("core 1 again")
    ...    _thread.start_new_thread(task, ())
    ...    time.sleep_ms(20)
    Output Should Be    core 1 again

Should Survive A Soft Reset
    Boot Pico
    The Board Is Soft-Reset
    On REPL    print(1 + 1)    2

Should Run At The Rate That Was Asked For
    [Documentation]    One dial: the same program takes longer when fewer instructions fit into a microsecond.
    [Tags]    row:P9.one-dial
    The Embedded Engine Lacks    a dial: it counts cycles, so that mips is 125 and no other
    Boot Pico
    Run On REPL
    ...    import time
    ...    def loop(): t = time.ticks_us(); [None for _ in range(2000)]; return time.ticks_diff(time.ticks_us(), t)
    ...    loop(); loop(); print("took", loop())
    ${fast}=    Output Should Match    took (\\d+)
    Wait For REPL
    Execute Command    sysbus.psm InstructionsPerMicrosecond 25
    Run On REPL    loop(); loop(); print("took", loop())
    ${slow}=    Output Should Match    took (\\d+)
    Should Be True    4.8 < ${slow}[0] / ${fast}[0] < 5.2
