*** Settings ***
Documentation    I2C: devices attached (Renode's own; on the embedded engine their like in Python), MicroPython's machine.I2C, and a C program that uses it as the pico-sdk does.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Find What Is Attached
    [Documentation]    MicroPython scans by moving the pins itself; the hardware controller finds the same.
    [Tags]    row:P7.i2c-scan
    Pico With Devices
    On REPL    print([hex(a) for a in i.scan()])    ['0x48', '0x70']
    Run On REPL    from machine import SoftI2C    print(SoftI2C(scl=Pin(5), sda=Pin(4)).scan())
    Output Should Be    [72, 112]

Should Write And Read A Device
    [Tags]    row:P7.i2c-devices@renode    row:P7.i2c-master
    Pico With Devices
    Run On REPL
    ...    print(i.writeto(0x48, b"hello"), i.readfrom(0x48, 1))
    ...    print(i.readfrom_mem(0x70, 2, 1), i.readfrom_mem(0x70, 3, 1))
    ...    i.writeto_mem(0x70, 3, b"\\x2a"); print(i.readfrom_mem(0x70, 3, 1))
    Output Should Be    5 b'h'    b'\\xf6' b'<'    b'*'
    Wait For REPL
    The Thermometer Is At    i2c0    21
    On REPL    print(i.readfrom_mem(0x70, 0, 1)[0])    21

Should Read A Device By Software Alone
    [Tags]    row:P7.i2c-devices@renode
    Pico With Devices
    The Thermometer Is At    i2c0    85
    Run On REPL
    ...    from machine import SoftI2C
    ...    s = SoftI2C(scl=Pin(5), sda=Pin(4), freq=400_000); s.writeto(0x70, b"\\x00", False); print(s.readfrom(0x70, 1))
    Output Should Be    b'U'

Should Miss A Device At Once
    [Tags]    row:P7.i2c-nack
    Pico With Devices
    Run On REPL
    ...    import time
    ...    def miss(f, *a):
    ...    \ \ t = time.ticks_us()
    ...    \ \ try: f(*a)
    ...    \ \ except OSError as e: print(e, time.ticks_diff(time.ticks_us(), t) < 1500)
    ...    miss(i.readfrom, 0x47, 5); miss(i.writeto, 0x47, b"x"); miss(i.readfrom_mem, 0x47, 0, 1)
    Output Should Be    [Errno 5] EIO True    [Errno 5] EIO True    [Errno 5] EIO True

Should Free A Bus That A Device Holds
    [Documentation]    A device that has missed clocks holds SDA low; nine clocks by hand bring it back.
    [Tags]    row:P7.i2c-master
    Pico With Devices
    A Device Holds SDA    clocks=7
    Run On REPL
    ...    try: i.writeto(0x48, b"x")
    ...    except OSError as e: print(e)
    ...    scl = Pin(5, Pin.OPEN_DRAIN, value=1)
    ...    for _ in range(9): scl(0); scl(1)
    ...    i = I2C(0, scl=Pin(5), sda=Pin(4), freq=100_000); print(i.writeto(0x48, b"x"))
    Output Should Be    [Errno 110] ETIMEDOUT    1

Should Wait For A Device That Stretches The Clock
    [Tags]    row:P7.i2c-master    row:P12.i2c
    Pico With Devices
    Devices Stretch The Clock    0.0005
    Run On REPL
    ...    import time
    ...    t = time.ticks_us(); i.writeto(0x48, b"abcd"); print(2300 < time.ticks_diff(time.ticks_us(), t) < 2800)
    Output Should Be    True

Should Lose The Bus To Another Master
    [Tags]    row:P7.i2c-master
    Pico With Devices
    Another Master Wins The Bus
    Run On REPL
    ...    from machine import mem32
    ...    B = 0x40044000
    ...    mem32[B + 0x6c] = 0; mem32[B + 4] = 0x48; mem32[B + 0x6c] = 1
    ...    mem32[B + 0x10] = 0x255
    ...    import time; time.sleep_ms(1); print(hex(mem32[B + 0x80] & 0x1ffff)); mem32[B + 0x54]; print(hex(mem32[B + 0x80]))
    ...    print(i.writeto(0x48, b"again"))
    Output Should Be    0x1000    0x0    5

Should Do What The SDK Asks Of It
    [Documentation]    Each source of an abort that this chip can have; the number of commands that were thrown away stands above.
    [Tags]    row:P7.i2c-slave    row:P7.i2c-nack
    Run Serial Program
    It Should Say
    ...    i2c slave written and read: ok    i2c slave's interrupts: ok
    ...    i2c abort: nobody at the address: 0x1000001    i2c abort: nobody at ten bits: 0x1000002
    ...    i2c abort: general call unanswered: 0x1000010    i2c abort: general call read: 0x20
    ...    i2c abort: START byte without RESTART: 0x200    i2c abort: ten bits read without RESTART: 0x400
    ...    i2c abort: no master: 0x800800    i2c abort: data unanswered: 0x1000008    i2c abort: second byte of ten bits: 0x1000004
    ...    i2c ten bits written: 0x0    i2c ten bits read: 0x0
    ...    i2c abort: by the user: 0x10000    i2c abort is done: ok    i2c abort: slave flushes: 0x2000    i2c abort: slave reads: 0x8000
    ...    i2c slave stretches the clock: ok

Should Take The Time Of The Line
    [Documentation]    START, 11 bytes of nine bits of 1304 cycles, STOP. clk_sys is what counts; what the SDK does from byte to byte takes
    ...    its cycles, too.
    [Tags]    row:P12.i2c    row:P12.clk-sys
    Run Serial Program
    ${times}=    Output Should Match    i2c time of 10 bytes at 100 kHz: (\\d+)
    Should Be True    1047 <= ${times}[0] <= 1058 + 12 * ($CYCLES_OF_INSTRUCTIONS - 1)
    ${slow}=    Output Should Match    i2c time with clk_sys at 48 MHz: (\\d+)
    Should Be True    2727 <= ${slow}[0] <= 2750 + 34 * ($CYCLES_OF_INSTRUCTIONS - 1)

Should Refuse What Cannot Be Attached
    [Tags]    row:P7.i2c-devices
    The Embedded Engine Lacks    platform descriptions, and a monitor: devices are attached in Python
    Create Pico
    Run Keyword And Expect Error    *registered at its address*
    ...    Execute Command    machine LoadPlatformDescriptionFromString "echo: Mocks.EchoI2CDevice @ i2c0 0x80"
    Run Keyword And Expect Error    *on its own wires already*    Execute Command    sysbus.i2c0 Attach sysbus.i2c0

*** Keywords ***
Pico With Devices
    A Booted Pico
    A Device Is Attached    echo    i2c0    0x48
    A Device Is Attached    thermometer    i2c0    0x70
    Run On REPL    from machine import I2C, Pin    i = I2C(0, scl=Pin(5), sda=Pin(4), freq=100_000)
    Wait For REPL
