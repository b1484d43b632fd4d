*** Settings ***
Documentation    UARTs: time, breaks, line errors, flow control; ADC and flash, whose times the same C program measures.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Do What The SDK Asks Of It
    [Tags]    row:P6.uart1
    Run Serial Program
    It Should Say
    ...    uart overrun: ok    uart break: ok    uart seven bits: ok    uart transmit interrupt: ok    uart flow control: ok

Should Take The Time Of The Line
    [Documentation]    Ten characters of eleven bits at 9600.
    [Tags]    row:P12.uart
    Run Serial Program
    ${times}=    Output Should Match    uart time of 10 characters 7E2 at 9600: (\\d+)
    Should Be True    11456 <= ${times}[0] <= 11462

Should Be Told Of A Break And Of Damaged Characters
    [Tags]    row:P6.uart1
    A Booted Pico
    Run On REPL
    ...    from machine import UART, Pin, mem32, disable_irq, enable_irq
    ...    import time
    ...    u = UART(1, 9600, tx=Pin(4), rx=Pin(5)); mem32[0x40038038] = 0
    Wait For REPL
    The UART Receives A Break    1
    The UART Receives    1    0x41    no stop bit
    The UART Receives    1    0x42    wrong parity
    The UART Receives    1    0x43
    Run On REPL    time.sleep_ms(10); print(hex(mem32[0x4003803c] & 0x780)); print([hex(mem32[0x40038000]) for _ in range(4)])
    Output Should Be    0x380    ['0x500', '0x141', '0x242', '0x43']

Should Hear What It Sends At The Pins
    [Documentation]    GPIO4 is wired to GPIO9: what UART1 sends comes back bit by bit, also a break, and what does not fit.
    [Tags]    row:P6.uart1    row:P12.uart
    A Booted Pico
    A Wire Leads From    4    9
    Run On REPL
    ...    from machine import UART, Pin, mem32
    ...    import time
    ...    a = UART(1, 2400, tx=Pin(4), rx=Pin(9)); mem32[0x40038038] = 0
    ...    a.write(b"bits"); a.flush(); time.sleep_ms(1); print([hex(mem32[0x40038000]) for _ in range(4)])
    ...    a.sendbreak(); time.sleep_ms(2); print(hex(mem32[0x40038000]), hex(mem32[0x40038018] & 0x10))
    ...    p = Pin(4, Pin.OUT, value=1); p.low(); time.sleep_us(5); p.high(); time.sleep_ms(6); print(hex(mem32[0x40038018] & 0x10))
    ...    p.low(); time.sleep_us(417 * 4); p.high(); time.sleep_us(417 * 5); p.low(); time.sleep_us(600); p.high()
    ...    time.sleep_ms(2); print(hex(mem32[0x40038000]))
    Output Should Be    ['0x62', '0x69', '0x74', '0x73']    0x500 0x10    0x10    0x1f8

Should Convert In 96 Cycles
    [Documentation]    100 conversions by software, and 100 samples at 100 kHz by the DMA, taking turns between two inputs.
    [Tags]    row:P12.adc    row:P6.adc
    Run Serial Program
    ${times}=    Output Should Match    adc time of 100 conversions: (\\d+)
    Should Be True    200 <= ${times}[0] <= 225
    It Should Say    adc round robin to memory: ok
    ${times}=    Output Should Match    adc time of 100 samples at 100 kHz: (\\d+)
    Should Be True    990 <= ${times}[0] <= 995

Should Be Busy With Erasing And Programming
    [Tags]    row:P12.flash
    Run Serial Program
    ${times}=    Output Should Match    flash time: sector (\\d+) ms, page (\\d+) us, block (\\d+) ms
    Should Be Equal    ${times}    ${{ ["45", $times[1], "150"] }}
    Should Be True    400 <= ${times}[1] <= 700
    It Should Say    flash holds it: ok

Should Have A Flash As Fast As Asked For
    [Tags]    row:P9.flash-latency
    Run Serial Program    flash_times=0
    ${times}=    Output Should Match    flash time: sector (\\d+) ms, page (\\d+) us, block (\\d+) ms
    Should Be True    ${times}[0] == 0 and ${times}[1] < 300 and ${times}[2] == 0
    It Should Say    flash holds it: ok
