*** Settings ***
Documentation    Pins and their interrupts, UARTs, analogue inputs, the flash's number.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Light The LED
    [Tags]    row:P6.gpio
    A Booted Pico
    Run On REPL    from machine import Pin    led = Pin(25, Pin.OUT)    led.on()
    Wait For REPL
    The LED Is    on
    Run On REPL    led.off()
    Wait For REPL
    The LED Is    off

Should Read What Drives A Pin
    [Tags]    row:P6.gpio    row:P6.pads
    A Booted Pico
    Run On REPL    from machine import Pin    p = Pin(3, Pin.IN, Pin.PULL_UP)    print(p.value())
    Output Should Be    1
    Wait For REPL
    The Pin Is Driven    3    low
    On REPL    print(p.value())    0
    The Pin Is Let Go    3
    On REPL    print(p.value())    1
    Run On REPL    p.init(Pin.IN, Pin.PULL_DOWN)    print(p.value())
    Output Should Be    0

Should Interrupt On The Edges Of A Pin
    [Tags]    row:P6.gpio-interrupts
    A Booted Pico
    Run On REPL
    ...    from machine import Pin
    ...    seen = []
    ...    p = Pin(7, Pin.IN, Pin.PULL_DOWN)
    ...    p.irq(lambda pin: seen.append(pin.irq().flags()), Pin.IRQ_RISING | Pin.IRQ_FALLING)
    Wait For REPL
    The Pin Is Driven    7    high
    On REPL    print(seen == [Pin.IRQ_RISING])    True
    The Pin Is Driven    7    low
    On REPL    print(seen == [Pin.IRQ_RISING, Pin.IRQ_FALLING])    True

Should Interrupt On A Pin That It Drives Itself
    [Documentation]    An interrupt follows the pad, whoever drives it.
    [Tags]    row:P6.gpio-interrupts
    A Booted Pico
    Run On REPL
    ...    from machine import Pin
    ...    import time
    ...    seen, p = [], Pin(2, Pin.OUT, value=0)
    ...    p.irq(lambda pin: seen.append(pin.value()), Pin.IRQ_RISING | Pin.IRQ_FALLING)
    ...    for level in (1, 0, 1):
    ...    \ \ p(level); time.sleep_ms(1)
    ...    \
    ...    print(seen)
    Output Should Be    [1, 0, 1]

Should Share A Line By Open Drain
    [Tags]    row:P6.pads
    A Booted Pico
    Run On REPL
    ...    from machine import Pin
    ...    p = Pin(6, Pin.OPEN_DRAIN, Pin.PULL_UP, value=1)
    ...    def both(): a = p.value(); p(0); b = p.value(); p(1); return a, b
    ...    print(both())
    Output Should Be    (1, 0)
    Wait For REPL
    The Pin Is Driven    6    low
    On REPL    print(both())    (0, 0)
    The Pin Is Let Go    6
    On REPL    print(both())    (1, 0)

Should Keep The Last Level With Both Pulls
    [Tags]    row:P6.pads
    A Booted Pico
    Run On REPL
    ...    from machine import Pin
    ...    p = Pin(6, Pin.IN, Pin.PULL_UP | Pin.PULL_DOWN)
    Wait For REPL
    The Pin Is Driven    6    high
    The Pin Is Let Go    6
    On REPL    print(p.value())    1
    The Pin Is Driven    6    low
    The Pin Is Let Go    6
    On REPL    print(p.value())    0

Should Report Levels And Latch Edges
    [Tags]    row:P6.gpio-interrupts
    A Booted Pico
    Run On REPL
    ...    from machine import Pin, mem32
    ...    p = Pin(8, Pin.IN, Pin.PULL_DOWN)
    ...    def state(): return hex(mem32[0x400140f4] & 15), mem32[0x40014040] >> 17 & 1
    ...    mem32[0x400170f4] = 15; print(state())
    Output Should Be    ('0x1', 0)
    Wait For REPL
    The Pin Is Driven    8    high
    On REPL    print(state())    ('0xa', 1)
    The Pin Is Driven    8    low
    On REPL    print(state())    ('0xd', 0)
    On REPL    mem32[0x400170f4] = 4; print(state())    ('0x9', 0)

Should Measure Voltages
    [Tags]    row:P6.adc
    A Booted Pico
    The ADC Input Sees    0    1.65
    The ADC Input Sees    2    3.3
    Run On REPL
    ...    from machine import ADC
    ...    print(ADC(26).read_u16() >> 4, ADC(27).read_u16() >> 4, ADC(28).read_u16() >> 4)
    Output Should Be    2048 0 4095

Should Measure Its Temperature
    [Tags]    row:P6.temperature
    A Booted Pico
    The Chip Is At    40
    Run On REPL
    ...    from machine import ADC
    ...    print(round(27 - (ADC(4).read_u16() * 3.3 / 65535 - 0.706) / 0.001721))
    Output Should Be    40

Should Tell The Flash's Unique Id
    [Tags]    row:P6.unique-id
    A Booted Pico
    On REPL    import machine; print(machine.unique_id().hex())    e660583883724a2b

Should Send And Receive On The Second UART
    [Tags]    row:P6.uart1
    A Booted Pico
    Run On REPL
    ...    from machine import UART, Pin
    ...    u = UART(1, 9600, tx=Pin(4), rx=Pin(5))
    Wait For REPL
    ${second}=    Create Terminal Tester    sysbus.uart1    timeout=10    defaultPauseEmulation=true    machine=pico
    Run On REPL    u.write("ping\\n")
    Wait For Line On Uart    ping    testerId=${second}
    Wait For REPL
    Write To Uart    pong    testerId=${second}
    Run On REPL    import time    time.sleep_ms(20)    print(u.read())
    Output Should Be    b'pong'

Should Receive At The Pace Of The Line
    [Documentation]    A character at 9600 baud takes 1042 us.
    [Tags]    row:P6.uart1
    A Booted Pico
    Run On REPL
    ...    from machine import UART, Pin
    ...    import time
    ...    u = UART(1, 9600, tx=Pin(4), rx=Pin(5), rxbuf=256)
    ...    def measure():
    ...    \ \ while not u.any(): time.sleep_us(100)
    ...    \ \ t, n = time.ticks_us(), u.any()
    ...    \ \ while u.any() < 40: time.sleep_us(100)
    ...    \ \ return time.ticks_diff(time.ticks_us(), t) // (40 - n)
    Wait For REPL
    ${second}=    Create Terminal Tester    sysbus.uart1    timeout=10    defaultPauseEmulation=true    machine=pico
    Write To Uart    0123456789012345678901234567890123456789    testerId=${second}
    Run On REPL    print(1000 < measure() < 1090)
    Output Should Be    True    timeout=2

Should Loop A UART Back
    [Tags]    row:P6.uart1
    A Booted Pico
    Run On REPL
    ...    from machine import UART, Pin, mem32
    ...    u = UART(1, 115200, tx=Pin(4), rx=Pin(5))
    ...    mem32[0x4003a030] = 1 << 7
    ...    u.write(b"round"); import time; time.sleep_ms(5); print(u.read())
    Output Should Be    b'round'

Should Talk To Another Board
    [Tags]    row:P6.uart1
    The Embedded Engine Lacks    wires between boards: each of them has a time of its own
    Execute Command    emulation CreateUARTHub "wire"
    Boot Pico    name=left
    Execute Command    connector Connect sysbus.uart1 wire
    Run On REPL    from machine import UART, Pin    u = UART(1, 115200, tx=Pin(4), rx=Pin(5))
    Wait For REPL
    ${left}=    Set Variable    ${REPL}
    Boot Pico    name=right
    Execute Command    connector Connect sysbus.uart1 wire
    Run On REPL    from machine import UART, Pin    u = UART(1, 115200, tx=Pin(4), rx=Pin(5))    u.write(b"over the wire")
    Wait For REPL
    Set Test Variable    ${REPL}    ${left}
    Run On REPL    import time    time.sleep_ms(20)    print(u.read())
    Output Should Be    b'over the wire'
