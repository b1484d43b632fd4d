*** Settings ***
Documentation    SPI: devices attached (Renode's own; on the embedded engine their like in Python), MicroPython's machine.SPI, and a C program that uses it as the pico-sdk does.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Read A Thermometer
    [Documentation]    Selected by a GPIO that software drives; another reading begins when the select has been high.
    [Tags]    row:P7.spi-devices@renode    row:P7.spi-master
    A Booted Pico
    A Device Is Attached    spi thermometer    spi0    17
    The Thermometer Is At    spi0    25
    Run On REPL
    ...    from machine import Pin, SPI
    ...    s = SPI(0, 1_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16)); cs = Pin(17, Pin.OUT, value=1)
    ...    def read(): cs(0); b = bytearray(2); s.readinto(b); cs(1); return (b[0] << 8 | b[1]) / 128
    Wait For REPL
    On REPL    print(round(read()), round(read()))    25 25
    The Thermometer Is At    spi0    40
    On REPL    print(round(read()))    40

Should Not Hear A Device That Is Not Selected
    [Tags]    row:P7.spi-devices@renode
    A Booted Pico
    A Device Is Attached    mirror    spi0    17
    Run On REPL
    ...    from machine import Pin, SPI
    ...    s = SPI(0, 1_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16)); cs = Pin(17, Pin.OUT, value=1)
    ...    b = bytearray(3); s.write_readinto(b"abc", b); print(b)
    ...    cs(0); s.write_readinto(b"abc", b); print(b)
    Output Should Be    bytearray(b'\\x00\\x00\\x00')    bytearray(b'abc')

Should Hear A Device Only At The Pins
    [Documentation]    Without the pin functions no clock and no data leave the controller.
    [Tags]    row:P7.spi-devices@renode    row:P7.spi-master
    A Booted Pico
    A Device Is Attached    mirror    spi0    -1
    Run On REPL
    ...    from machine import Pin, SPI
    ...    s = SPI(0, 1_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
    ...    b = bytearray(3); s.write_readinto(b"abc", b); print(b)
    ...    Pin(18, Pin.OUT); s.write_readinto(b"abc", b); print(b)
    Output Should Be    bytearray(b'abc')    bytearray(b'\\x00\\x00\\x00')

Should Read The Pin Where Nothing Is Attached
    [Tags]    row:P7.spi-master
    A Booted Pico
    Run On REPL
    ...    from machine import Pin, SPI
    ...    s = SPI(1, 1_000_000, sck=Pin(10), mosi=Pin(11), miso=Pin(8)); b = bytearray(4)
    ...    s.write_readinto(b"abcd", b); print(b)
    Output Should Be    bytearray(b'\\x00\\x00\\x00\\x00')
    Wait For REPL
    The Pin Is Driven    8    high
    On REPL    s.write_readinto(b"abcd", b); print(b)    bytearray(b'\\xff\\xff\\xff\\xff')

Should Do What The SDK Asks Of It
    [Tags]    row:P7.spi-loop-back    row:P7.spi-data-requests    row:P7.spi-slave
    Run Serial Program
    It Should Say
    ...    spi loop back, 4 to 16 bits: ok    spi receive time-out: ok    spi levels and overrun: ok    spi data requests: ok
    ...    spi slave: ok    spi slave with its output disabled: ok

Should Take The Time Of The Line
    [Documentation]    800 bits at 0.992 MHz; with CPHA 0 the select is high between two frames. clk_peri is what counts.
    [Tags]    row:P12.spi    row:P12.clk-peri
    Run Serial Program
    ${times}=    Output Should Match    spi time of 100 bytes at 1 MHz: (\\d+) with CPHA 1, (\\d+) with CPHA 0
    Should Be True    806 <= ${times}[0] <= 810
    Should Be True    956 <= ${times}[1] <= 962
    ${times}=    Output Should Match    spi time with clk_peri at 48 MHz: (\\d+)
    Should Be True    2100 <= ${times}[0] <= 2104

Should Refuse What Cannot Be Attached
    [Tags]    row:P7.spi-devices
    The Embedded Engine Lacks    platform descriptions: devices are attached in Python
    Create Pico
    Run Keyword And Expect Error    *registered at the GPIO that selects it*
    ...    Execute Command    machine LoadPlatformDescriptionFromString "mirror: SPI.SPILoopback @ spi0 30"
    Run Keyword And Expect Error    *no SPI device*
    ...    Execute Command    machine LoadPlatformDescriptionFromString "led2: Miscellaneous.LED @ spi0 3"
