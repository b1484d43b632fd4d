*** Settings ***
Documentation     Interrupt and isochronous endpoints, all endpoints at once, start of frame.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode
${SOF_RD}         0x50110048
${INTR}           0x5011008C

*** Test Cases ***
Should Poll An Interrupt Endpoint At Its Interval
    [Tags]    row:C8.interrupt-interval
    Given A Pico Running    interrupt_report.py
    When The Bus Is Traced
    And The Host Reads Five Reports
    And The Trace Ends
    Then Each Report Came Ten Frames After The One Before

Should Send And Receive One Isochronous Packet A Frame Without Handshake
    [Documentation]    Endpoints set up by hand: TinyUSB's driver refuses to open isochronous ones for machine.USBDevice.
    [Tags]    row:C8.iso-in    row:C8.iso-out    row:C8.iso-one-a-frame    row:C8.iso-no-handshake
    Given A Pico Running    vendor_control.py
    When The Board Runs    from machine import mem8, mem32
    ...    for i in range(32): mem8[0x50100d00 + i] = i; mem8[0x50100d80 + i] = i + 32
    ...    mem32[0x50100038] = 0xc4000d00; mem32[0x501000b8] = 0x84208420
    ...    mem32[0x5010003c] = 0xc4000e00; mem32[0x501000bc] = 0x04800480
    And The Bus Is Traced
    And The Host Reads Isochronously    0x87    32    2
    Then The Answer Counts Up    64
    When The Host Writes Isochronously    0x07    8    01 01 01 01 01 01 01 01 02 02 02 02 02 02 02 02
    Then The Board Says    [mem8[0x50100e00], mem8[0x50100e07], mem8[0x50100e80], mem8[0x50100e87]]    [1, 1, 2, 2]
    And The Packets Went Out In Neighbouring Frames Without Handshake

Should Use All Thirty Endpoints At Once
    [Tags]    row:C9.all-at-once
    Given A Pico Running    all_endpoints.py
    When The Host Begins To Use All Endpoints
    And What Was Begun Ends
    Then Each IN Endpoint Gave Its Number
    And The Board Says    sorted(heard.items()) == [(n, 64 + n) for n in range(1, 16)]    True

Should Begin A Frame Each Millisecond
    [Tags]    row:C11.each-ms
    Given A Pico Running    vendor_control.py
    ${before}=    The Host's Frame Is
    When Time Passes    0.1
    ${after}=    The Host's Frame Is
    Then Should Be Equal As Integers    ${{ ($after - $before) % 2048 }}    100
    ${sof}=    The Register Holds    ${SOF_RD}
    And Should Be Equal As Integers    ${sof}    ${after}

Should Wrap The Frame Number After 2048 Frames
    [Tags]    row:C11.sof-rd-wraps
    Given A Pico Running    vendor_control.py
    ${before}=    The Register Holds    ${SOF_RD}
    When Time Passes    2.048
    ${after}=    The Register Holds    ${SOF_RD}
    Then Should Be Equal As Integers    ${after}    ${before}

Should Latch DEV_SOF Until SOF_RD Is Read
    [Tags]    row:C11.dev-sof    row:C14.intr
    Given A Pico Running    vendor_control.py
    When The Register Holds    ${SOF_RD}
    ${intr}=    The Register Holds    ${INTR}
    Then Should Be Equal As Integers    ${{ $intr >> 17 & 1 }}    0
    When Time Passes    0.001
    ${intr}=    The Register Holds    ${INTR}
    Then Should Be Equal As Integers    ${{ $intr >> 17 & 1 }}    1

*** Keywords ***
The Host Reads Five Reports
    FOR    ${i}    IN RANGE    5
        The Host Reads    0x81    8
        The Request Succeeds
    END

Each Report Came Ten Frames After The One Before
    ${rows}=    Rows Of    ${TRACE}    0x81
    ${rows}=    Moved    ${rows}
    ${gaps}=    Frames Between    ${rows}
    Should Be Equal    ${gaps}    ${{ [10, 10, 10, 10] }}
    ${counts}=    Evaluate    [(b.data[0] - a.data[0]) % 256 for a, b in zip($rows, $rows[1:])]
    Should Be Equal    ${counts}    ${{ [1, 1, 1, 1] }}

The Packets Went Out In Neighbouring Frames Without Handshake
    The Trace Ends
    FOR    ${endpoint}    IN    0x87    0x07
        ${rows}=    Rows Of    ${TRACE}    ${endpoint}
        ${gaps}=    Frames Between    ${rows}
        Should Be Equal    ${gaps}    ${{ [1] }}
        Should Be Equal    ${{ [row.handshake for row in $rows] }}    ${{ ["-", "-"] }}
    END

The Host Begins To Use All Endpoints
    FOR    ${number}    IN RANGE    1    16
        The Host Begins To Read    ${{ hex($number | 0x80) }}    128
        The Host Begins To Write    ${number}    ${{ (bytes((64 + $number,)) * 33).hex(" ") }}
    END

Each IN Endpoint Gave Its Number
    ${expected}=    Evaluate    [x for n in range(1, 16) for x in ((bytes((n,)) * 128).hex(" "), "OK")]
    Should Be Equal    ${ANSWERS}    ${expected}
