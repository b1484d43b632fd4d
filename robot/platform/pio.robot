*** Settings ***
Documentation    PIO as MicroPython's rp2.StateMachine drives it.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Give Back What It Is Sent
    [Tags]    row:P8.push    row:P8.pull    row:P8.state-machine
    A Booted Pico
    Run On REPL
    ...    import rp2
    ...    @rp2.asm_pio()
    ...    def echo():
    ...    \ \ pull(block)
    ...    \ \ mov(isr, osr)
    ...    \ \ push(block)
    ...    \
    ...    sm = rp2.StateMachine(0, echo); sm.active(1); sm.put(1234); print(sm.get(), sm.tx_fifo(), sm.rx_fifo())
    Output Should Be    1234 0 0

Should Blink At The Rate Of Its Divider
    [Documentation]    64 cycles a period at 64 kHz: a kilohertz, at the pin where Renode's devices are.
    [Tags]    row:P8.pins    row:P8.delays    row:P12.pio
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    from machine import Pin
    ...    @rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
    ...    def blink():
    ...    \ \ set(pins, 1)[31]
    ...    \ \ set(pins, 0)[31]
    ...    \
    ...    sm = rp2.StateMachine(4, blink, freq=64000, set_base=Pin(3)); sm.active(1); n = 0; last = 0; t = time.ticks_us()
    ...    while time.ticks_diff(time.ticks_us(), t) < 20000:
    ...    \ \ v = Pin(3).value(); n += v != last; last = v
    ...    \
    ...    print(39 <= n <= 41, n)
    Output Should Match    ^(True) (?:39|40|41)\\s*$

Should Light The LED From A State Machine
    [Tags]    row:P8.pins
    A Booted Pico
    Run On REPL
    ...    import rp2
    ...    from machine import Pin
    ...    @rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
    ...    def on():
    ...    \ \ set(pins, 1)
    ...    \
    ...    sm = rp2.StateMachine(0, on, freq=1000000, set_base=Pin(25)); sm.active(1); print("on")
    Output Should Be    on
    The LED Is    on

Should Interrupt The Processor
    [Tags]    row:P8.interrupts    row:P8.irq
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    seen = []
    ...    @rp2.asm_pio()
    ...    def once():
    ...    \ \ irq(rel(0))
    ...    \ \ label("end")
    ...    \ \ jmp("end")
    ...    \
    ...    sm = rp2.StateMachine(2, once, freq=2000); sm.irq(lambda m: seen.append(m == sm)); sm.active(1); time.sleep_ms(5); print(seen)
    Output Should Be    [True]

Should Show Its State Machines In The Monitor
    The Embedded Engine Lacks    a monitor
    A Booted Pico
    On REPL    import rp2; rp2.StateMachine(1).exec("set(x, 21)"); print("done")    done
    ${table}=    Execute Command    sysbus.pio0 StateMachines
    Should Match Regexp    ${table}    1\\s*\\|\\s*0x15\\s*\\|
