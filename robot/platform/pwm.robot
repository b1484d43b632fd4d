*** Settings ***
Documentation    PWM as MicroPython's machine.PWM drives it.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Drive A Pin With The Duty That Is Asked For
    [Tags]    row:P7.pwm-frequency    row:P7.pwm-duty
    A Booted Pico
    Run On REPL
    ...    import time
    ...    from machine import Pin, PWM
    ...    p = PWM(Pin(4), freq=1000, duty_u16=16384); n = high = rises = last = 0; t = time.ticks_us()
    ...    while time.ticks_diff(time.ticks_us(), t) < 20000:
    ...    \ \ v = Pin(4).value(); n += 1; high += v; rises += v and not last; last = v
    ...    \
    ...    print(p.freq(), p.duty_u16(), 19 <= rises <= 21, 230 <= high * 1000 // n <= 270)
    Output Should Be    1000 16384 True True

Should Count Edges From Outside
    [Tags]    row:P7.pwm-counting-on-b
    A Booted Pico
    Run On REPL
    ...    from machine import mem32
    ...    b = 0x40050014; mem32[0x4001401c] = 4; mem32[b] = 0x21; print(mem32[b + 8])
    Output Should Be    0
    Wait For REPL
    FOR    ${level}    IN    high    low    high    low    high
        The Pin Is Driven    3    ${level}
    END
    On REPL    print(mem32[b + 8])    3

Should Interrupt At A Wrap
    [Documentation]    After half a millisecond, without anybody who looks at a register of PWM.
    [Tags]    row:P7.pwm-wrap-interrupt
    A Booted Pico
    Run On REPL
    ...    from machine import mem32
    ...    import time
    ...    b = 0x40050000; mem32[b + 0x10] = 62499; mem32[b + 0xa8] = 1; mem32[b] = 1
    ...    print(mem32[0xe000e200] >> 4 & 1); time.sleep_us(600)
    ...    print(mem32[0xe000e200] >> 4 & 1, mem32[b + 0xa4], mem32[b + 0xb0])
    Output Should Be    0    1 1 1
