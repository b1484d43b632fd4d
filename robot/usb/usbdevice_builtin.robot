*** Settings ***
Documentation     machine.USBDevice beside the built-in serial port, over soft resets, from boot.py, and without that port.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usbdevice.resource

*** Variables ***
${ENGINE}         renode
${APPS}           ${CURDIR}/../../firmware/apps

*** Test Cases ***
Should Use The Built-In Port And A Runtime Interface At Once
    [Documentation]    Somebody types on the REPL while transfers are under way.
    [Tags]    row:D16.takes-effect    row:D17.appended    row:D17.work-at-once
    Given A Pico Whose Interface Is Beside The Built-In Port
    Then The Host Sees Interfaces Of Class    02 0a ff
    When The Board Runs    box = bytearray(64); usb.submit_xfer(3, box)
    And The Host Begins To Read    0x83    64
    Then The Host Types On The REPL And Reads    usb.submit_xfer(0x83, bytes(6 * 7))    True
    When The Host Begins To Write    0x03    62 65 73 69 64 65
    And What Was Begun Ends
    Then Should Be Equal    ${ANSWERS}    ${{ [bytes(42).hex(" "), "OK"] }}
    And The Board Says    bytes(box[:7])    b'beside\\x00'

Should Override A Built-In String With One At Its Index
    [Tags]    row:D18.overrides    row:D18.missing    row:D18.none
    Given A Pico Whose Interface Is Beside The Built-In Port    {2: "Other product", 3: None}
    Then String Is    1    MicroPython
    And String Is    2    Other product
    And String Is    4    Board CDC
    And String Is    5    beside
    ${serial}=    The Host Reads String    3
    And The Board Says    machine.unique_id().hex()    ${serial.lower()}

Should Tell In Its Constants What The Host Reads
    [Tags]    row:D19.itf-max    row:D19.ep-max    row:D19.str-max    row:D19.desc-dev    row:D19.desc-cfg
    ...    row:D19.only-those-of-the-build
    Given A Pico Running    uart-cdc
    When The Board Runs    import machine    usb = machine.USBDevice()    b = usb.BUILTIN_DEFAULT
    Then The Board Says    [n for n in dir(usb) if n[:8] == "BUILTIN_"]    ['BUILTIN_CDC', 'BUILTIN_DEFAULT', 'BUILTIN_NONE']
    And The Board Says    usb.BUILTIN_CDC is b    True
    ${device}=    The Host Reads Descriptor    0x0100
    ${configuration}=    The Host Reads Descriptor    0x0200
    And The Board Says    b.desc_dev.hex(" ")    ${device}
    And The Board Says    b.desc_cfg.hex(" ")    ${configuration}
    ${highest}=    Highest Numbers    ${device}    ${configuration}
    And The Board Says    (b.itf_max - 1, b.ep_max - 1, b.str_max - 1)    ${highest}
    And The Board Says    usb.BUILTIN_NONE.itf_max, usb.BUILTIN_NONE.ep_max, usb.BUILTIN_NONE.desc_cfg    0 0 b''

Should Drop The Runtime Device At A Soft Reset
    [Tags]    row:D24.drops    row:D24.detaches    row:D24.built-in-returns
    Given A Pico Whose Interface Is Beside The Built-In Port
    When The Board Is Soft-Reset
    And The Device Attaches Again
    Then The Host Sees Interfaces Of Class    02 0a
    And The Board Says    "start" in globals()    False
    And The Host Types On The REPL And Reads    print("b" + "ack")    back

Should Show The Device Of boot.py First And After Every Reset
    [Documentation]    The host has seen no other device before, not even for a moment.
    [Tags]    row:D25.first    row:D25.every-boot    row:D25.every-soft-reset
    Given A Pico Without A Cable    uart-cdc
    When The Board Keeps    boot.py    boot_device.py
    And The Board Is Reset
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Product Number Is    0xB007
    And String Is    2    from boot.py
    FOR    ${i}    IN RANGE    2
        When The Board Is Soft-Reset
        And The Device Attaches Again
        Then The Product Number Is    0xB007
    END
    When The Board Is Reset
    And The Device Attaches Again
    Then The Product Number Is    0xB007

Should Be The Only Device Of A Firmware Without A Built-In Port
    [Tags]    row:D27.repl-on-uart0    row:D27.default-is-none    row:D27.only-device
    Given A Pico Without A Cable    probe.py
    When The Cable Is Plugged In
    And Time Passes    0.5
    Then The Port Is    Detached
    And The Board Says    usb.BUILTIN_DEFAULT is usb.BUILTIN_NONE    True
    And The Board Says    [n for n in dir(usb) if n[:8] == "BUILTIN_"]    ['BUILTIN_DEFAULT', 'BUILTIN_NONE']
    When The Board Runs    start(endpoint(0x81))
    And The Host Enumerates
    Then The Host Sees Interfaces Of Class    ff
    And The Board Says    6 * 7    42

*** Keywords ***
A Pico Whose Interface Is Beside The Built-In Port
    [Documentation]    The built-in device, as the host sees it first; then one with another interface and its string.
    [Arguments]    ${strings}={}
    A Pico Running    probe.py    firmware=uart-cdc
    The Board Runs    usb.builtin_driver = b = usb.BUILTIN_DEFAULT    strings = ${strings}; strings[b.str_max] = "beside"
    ...    cfg = b.desc_cfg + interface(b.itf_max, endpoint(b.ep_max | 0x80), endpoint(b.ep_max), string=b.str_max)
    ...    cfg = bytearray(cfg); cfg[2] = len(cfg); cfg[4] = b.itf_max + 1
    ...    config(b.desc_dev, cfg, strings); usb.active(True)
    The Device Attaches Again

The Host Types On The REPL And Reads
    [Documentation]    On the built-in port, opened for that; what it prints contains a line with this.
    [Arguments]    ${code}    ${expected}
    The Board Is At Its Prompt
    The Host Requests    0x21    0x22    wValue=3
    The Request Succeeds
    ${typed}=    Set Variable    ${code}\r
    ${line}=    Set Variable    \n${expected}\r\n
    ${text}=    Set Variable    ${EMPTY}
    The Host Writes    0x02    ${{ $typed.encode().hex(" ") }}
    WHILE    $line not in $text    limit=100
        The Host Reads    0x82    64    timeout=1
        The Request Succeeds
        ${text}=    Evaluate    $text + bytes.fromhex($ANSWER).decode("latin-1")
    END
    The Host Requests    0x21    0x22    wValue=0

The Board Keeps
    [Documentation]    A file of firmware/apps in its flash, under this name.
    [Arguments]    ${name}    ${program}
    ${code}=    Evaluate    open($APPS + "/" + $program, encoding="utf-8").read()
    The Board Runs    f = open("${name}", "w"); f.write(${{ repr($code) }}); f.close()
