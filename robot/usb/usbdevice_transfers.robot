*** Settings ***
Documentation     machine.USBDevice: submit_xfer, xfer_cb, stall, and what a bus reset does to them.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usbdevice.resource

*** Variables ***
${ENGINE}         renode
${IN AND OUT}     endpoint(0x81), endpoint(0x01)

*** Test Cases ***
Should Complete An IN Transfer With Its Length
    [Tags]    row:D13.in    row:D21.queued
    Given A Pico Showing    ${IN AND OUT}
    When The Board Says    usb.submit_xfer(0x81, bytes(range(100)))    True
    And The Host Reads    0x81    128
    Then The Answer Counts Up    100
    And The Board Saw    xfer    [(129, 0, 100)]

Should Complete A Full And A Short OUT Transfer With What Came
    [Tags]    row:D13.out    row:D13.short-packet
    Given A Pico Showing    ${IN AND OUT}
    ${full}=    Bytes Counting Up    128
    When The Board Runs    box = bytearray(128); usb.submit_xfer(0x01, box)
    And The Host Writes    0x01    ${full}
    Then The Board Says    box.hex(" ")    ${full}
    When The Board Runs    box = bytearray(128); usb.submit_xfer(0x01, box)
    And The Host Writes    0x01    73 68 6f 72 74
    Then The Board Says    bytes(box[:6])    b'short\\x00'
    And The Board Saw    xfer    [(1, 0, 128), (1, 0, 5)]

Should End An OUT Transfer Of Full Packets With An Empty One
    [Tags]    row:C7.zero-length-out
    Given A Pico Showing    ${IN AND OUT}
    ${packet}=    Bytes Counting Up    64
    When The Board Runs    usb.submit_xfer(0x01, bytearray(256))
    And The Host Writes    0x01    ${packet}
    Then The Board Saw    xfer    []
    When The Host Writes    0x01    ${EMPTY}
    Then The Board Saw    xfer    [(1, 0, 64)]

Should Refuse A Transfer Where None Can Be
    [Documentation]    An inactive device: EINVAL; endpoint 0; an endpoint that is busy: EBUSY.
    [Tags]    row:D21.already-queued    row:D21.endpoint-0    row:D21.inactive
    Given A Pico Without A Cable    probe.py
    Then The Board Raises    OSError 22    usb.submit_xfer(0x81, b"inactive")
    When The Board Runs    start(${IN AND OUT})
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Board Raises    ValueError    usb.submit_xfer(0, bytearray(8))
    And The Board Raises    ValueError    usb.submit_xfer(0x80, bytearray(8))
    And The Board Says    usb.submit_xfer(0x81, b"first")    True
    And The Board Raises    OSError 16    usb.submit_xfer(0x81, b"second")

Should Call reset_cb And Keep Silent About What Was In Flight
    [Tags]    row:D7.reset-cb    row:D7.xfer-cb-silent
    Given A Pico Showing    ${IN AND OUT}
    When The Board Runs    log.clear(); usb.submit_xfer(0x81, b"lost"); usb.submit_xfer(0x01, bytearray(64))
    And The Host Resets The Bus
    And Time Passes    0.05
    Then The Board Saw    xfer    []
    And The Board Says    ("reset",) in log    True

Should Work Again After A Bus Reset In A Transfer
    [Tags]    row:D7.never-complete    row:D7.enumerates-again
    Given A Pico Showing    ${IN AND OUT}
    When The Board Runs    usb.submit_xfer(0x81, b"lost")
    And The Host Resets The Bus
    And Time Passes    0.05
    And The Board Runs    log.clear()
    And The Host Enumerates
    Then The Board Says    [e[0] for e in log if e[0] != "reset"]    ['open']
    When The Board Runs    usb.submit_xfer(0x81, b"after")
    And The Host Reads    0x81    64
    Then The Answer Is    61 66 74 65 72
    And The Board Saw    xfer    [(129, 0, 5)]

Should Stall An Endpoint And Tell The State Before
    [Tags]    row:D22.reads    row:D22.in    row:D22.out    row:D22.state-before    row:D22.inactive
    ...    row:C10.stall-bits
    Given A Pico Without A Cable    probe.py
    Then The Board Raises    OSError 22    usb.stall(0x81)
    When The Board Runs    start(${IN AND OUT})
    And The Cable Is Plugged In
    And The Host Enumerates
    FOR    ${endpoint}    IN    0x81    0x01
        Then The Board Says    usb.stall(${endpoint}), usb.stall(${endpoint}, True), usb.stall(${endpoint})    False False True
        And The Host Is Refused At    ${endpoint}
        And The Board Says    usb.stall(${endpoint}, False), usb.stall(${endpoint})    True False
    END

Should Lose A Stall And The Toggle When The Host Clears The Halt
    [Documentation]    After one packet each way the next would be DATA1.
    [Tags]    row:D23.clear-feature    row:D23.resets-toggle
    Given A Pico Showing    ${IN AND OUT}
    And A Byte Goes Each Way    61
    When The Board Runs    usb.stall(0x81, True); usb.stall(0x01, True)
    And The Host Clears The Halt Of    0x81
    And The Host Clears The Halt Of    0x01
    Then The Board Says    usb.stall(0x81), usb.stall(0x01)    False False
    And A Byte Goes Each Way    62

Should Lose A Stall That The Device Takes Back
    [Tags]    row:D23.stall-false
    Given A Pico Showing    ${IN AND OUT}
    When The Board Runs    usb.stall(0x81, True)
    And The Host Reads    0x81    64
    Then The Request Is Stalled
    When The Board Runs    usb.stall(0x81, False); usb.submit_xfer(0x81, b"free")
    And The Host Reads    0x81    64
    Then The Answer Is    66 72 65 65

*** Keywords ***
The Host Is Refused At
    [Documentation]    Twice, and the endpoint's status says why.
    [Arguments]    ${endpoint}
    FOR    ${i}    IN RANGE    2
        IF    ${endpoint} & 0x80    The Host Reads    ${endpoint}    64    ELSE    The Host Writes    ${endpoint}    00
        The Request Is Stalled
    END
    The Host Requests    0x82    0    wIndex=${endpoint}    wLength=2
    The Answer Is    01 00

A Byte Goes Each Way
    [Arguments]    ${byte}
    The Board Runs    log.clear(); box = bytearray(1); usb.submit_xfer(0x81, b"\\x${byte}"); usb.submit_xfer(0x01, box)
    The Host Reads    0x81    64    timeout=1
    The Answer Is    ${byte}
    The Host Writes    0x01    ${byte}    timeout=1
    The Request Succeeds
    The Board Says    sorted(e[1:] for e in log if e[0] == "xfer"), box.hex()    [(1, 0, 1), (129, 0, 1)] ${byte}
