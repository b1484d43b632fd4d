*** Settings ***
Documentation     Bulk transfers: toggles, NAK, short and empty packets, halts, the bus's budget.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Move Bulk Data Of Any Length Both Ways
    [Tags]    row:C7.short-in    row:C7.short-out
    Given A Pico Running    vendor_bulk.py
    FOR    ${length}    IN    1    63    65    127    129    1000
        ${data}=    Bytes Counting Up    ${length}
        When The Host Writes    0x01    ${data}
        And The Host Reads    0x81    1024
        Then The Answer Is    ${data}
    END

Should End A Transfer Of Whole Packets With An Empty One
    [Tags]    row:C7.zero-length-out
    Given A Pico Running    vendor_bulk.py
    ${data}=    Bytes Counting Up    128
    When The Host Writes    0x01    ${data}    zero=true
    Then The Board Says    done[0]    (1, 0, 128)
    When The Host Reads    0x81    128
    Then The Answer Is    ${data}

Should Answer NAK While No Buffer Is Available
    [Tags]    row:C7.nak-in
    Given A Pico Running    vendor_bulk.py
    When The Host Reads    0x81    64    timeout=0.05
    Then The Request Times Out
    When The Host Writes    0x01    01 02 03
    And The Host Reads    0x81    64
    Then The Answer Is    01 02 03

Should Alternate DATA0 And DATA1
    [Tags]    row:C7.toggles-in    row:C7.toggles-out
    Given A Pico Running    vendor_bulk.py
    ${data}=    Bytes Counting Up    1000
    When The Bus Is Traced
    And The Host Writes    0x01    ${data}
    And The Host Reads    0x81    1024
    And The Trace Ends
    Then The Toggles Alternate On    0x01
    And The Toggles Alternate On    0x81

Should Halt An Endpoint Until The Host Clears It
    [Tags]    row:C5.others    row:C10.stall-bits    row:D22.in    row:D23.clear-feature
    Given A Pico Running    vendor_bulk.py
    When The Board Runs    usb.stall(0x81, True)
    And The Host Reads    0x81    64
    Then The Request Is Stalled
    When The Host Reads    0x81    64
    Then The Request Is Stalled
    And The Device Answers GET_STATUS With    00 00
    When The Host Clears The Halt Of    0x81
    Then The Board Says    usb.stall(0x81)    False

Should Start Again With DATA0 After A Halt
    [Tags]    row:D23.resets-toggle
    Given A Pico Running    vendor_bulk.py
    When The Host Writes    0x01    aa
    And The Host Reads    0x81    64
    And The Board Runs    usb.stall(0x81, True)
    And The Host Clears The Halt Of    0x81
    And The Bus Is Traced
    And The Host Writes    0x01    bb
    And The Host Reads    0x81    64
    Then The Answer Is    bb
    And The First Packet Is DATA0 On    0x81

Should Abort A Buffer
    [Documentation]    EP_ABORT answers NAK whatever the buffer says, EP_ABORT_DONE tells when it is safe to touch it.
    [Tags]    row:C10.abort    row:C10.abort-done
    Given A Pico Running    vendor_bulk.py
    When The Board Runs    machine.mem32[0x50110060] = 1 << 3
    Then The Board Says    machine.mem32[0x50110064] >> 3 & 1    1
    When The Host Writes    0x01    01    timeout=0.01
    Then The Request Times Out
    When The Board Runs    machine.mem32[0x50110060] = 0; machine.mem32[0x50110064] = 1 << 3
    And The Host Writes    0x01    01
    Then The Request Succeeds
    And The Board Says    machine.mem32[0x50110064]    0

Should Note A STALL And A NAK Where The Firmware Asks For It
    [Tags]    row:C10.status-stall    row:C10.status-nak
    Given A Pico Running    vendor_bulk.py
    When The Board Runs    machine.mem32[0x50100008] |= 3 << 16
    And The Host Reads    0x81    64    timeout=0.005
    Then The Board Says    machine.mem32[0x50110070]    4
    When The Board Runs    machine.mem32[0x50110070] = 4; usb.stall(0x81, True)
    And The Host Reads    0x81    64
    Then The Request Is Stalled
    And The Board Says    machine.mem32[0x50110070]    4

Should Use Both Buffers Of An Endpoint In Turn
    [Documentation]    An endpoint set up by hand: two buffers, one BUFF_STATUS for both.
    [Tags]    row:C7.double-in
    Given A Pico Running    all_endpoints.py
    When The Board Runs    from machine import mem8, mem32
    ...    for i in range(64): mem8[0x50100e00 + i] = 0x11; mem8[0x50100e40 + i] = 0x22
    ...    mem32[0x50100038] = 1 << 31 | 1 << 30 | 1 << 28 | 2 << 26 | 0xe00
    ...    mem32[0x501000b8] = (0xa400 | 3) << 16 | 0x9400 | 64
    And The Host Reads    0x87    67
    Then The Answer Is Both Buffers
    And The Board Says    machine.mem32[0x501000b8] & 0x84008400    0

Should Carry At Most 19 Bulk Packets Of 64 Bytes In A Frame
    [Documentation]    Thirty packets wait in the device, each in a buffer of its own.
    [Tags]    row:C16.nineteen
    Given A Pico Running    all_endpoints.py
    When The Bus Is Traced
    And The Host Reads From All Fifteen Endpoints At Once
    And The Trace Ends
    Then All Thirty Packets Came, At Most    19 A Frame

*** Keywords ***
The Toggles Alternate On
    [Arguments]    ${endpoint}
    ${rows}=    Rows Of    ${TRACE}    ${endpoint}
    ${good}=    Toggles Alternate    ${rows}
    Should Be True    ${good}

The First Packet Is DATA0 On
    [Arguments]    ${endpoint}
    The Trace Ends
    ${rows}=    Rows Of    ${TRACE}    ${endpoint}
    ${rows}=    Moved    ${rows}
    Should Be Equal    ${rows[0].data_pid}    DATA0

The Answer Is Both Buffers
    ${expected}=    Evaluate    (b"\\x11" * 64 + b"\\x22" * 3).hex(" ")
    The Answer Is    ${expected}

The Host Reads From All Fifteen Endpoints At Once
    FOR    ${number}    IN RANGE    1    16
        The Host Begins To Read    ${{ hex($number | 0x80) }}    128
    END
    What Was Begun Ends

All Thirty Packets Came, At Most
    [Arguments]    ${limit}
    ${rows}=    Evaluate    [row for row in $TRACE if row.token == "IN" and len(row.data) == 64]
    Length Should Be    ${rows}    30
    ${most}=    Most In A Frame    ${rows}
    Should Be Equal    ${most} A Frame    ${limit}
