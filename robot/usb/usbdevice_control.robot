*** Settings ***
Documentation     machine.USBDevice: control_xfer_cb, its stages, and what its answers make the host see.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usbdevice.resource
Resource          ${CURDIR}/../resources/trace.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Acknowledge A Request Without Data After SETUP And ACK
    [Tags]    row:D10.goes-on    row:D10.acknowledged
    Given A Pico Showing
    When The Host Requests    0x21    0x11    wValue=0x1234
    Then The Request Succeeds
    And The Callback Was Called With    21 11 34 12 00 00 00 00    1    3

Should Take An OUT Request's Data Into The Buffer It Returns
    [Tags]    row:D8.in-order    row:D8.same-request    row:D12.receives    row:D12.complete-at-stage-3
    Given A Pico Showing
    When The Board Runs    box = bytearray(8); seen = []
    ...    answer = lambda stage, request: seen.append(bytes(box)) or (box if stage == 1 else True)
    And The Host Requests    0x21    0x12    wValue=7    data=38 20 62 79 74 65 73 21
    Then The Request Succeeds
    And The Callback Was Called With    21 12 07 00 00 00 08 00    1    2    3
    And The Board Says    seen[-1]    b'8 bytes!'

Should Answer An IN Request With The Buffer It Returns
    [Tags]    row:D8.in-order    row:D8.same-request    row:D11.answers
    Given A Pico Showing
    When The Board Runs    answer = lambda stage, request: b"answer" if stage == 1 else True
    And The Host Requests    0xA1    0x13    wLength=6
    Then The Answer Is    61 6e 73 77 65 72
    And The Callback Was Called With    a1 13 00 00 00 00 06 00    1    2    3

Should Stall What The Callback Refuses And Run No Later Stage
    [Tags]    row:D9.host-sees-stall    row:D9.no-later-stage
    Given A Pico Showing
    When The Board Runs    answer = False
    FOR    ${kind}    ${data}    ${request}    IN    0x21    ${EMPTY}    21 21 00 00 00 00 00 00
    ...    0x21    01 02 03 04    21 21 00 00 00 00 04 00    0xA1    ${EMPTY}    a1 21 00 00 00 00 04 00
        When The Board Runs    log.clear()
        And The Host Requests    ${kind}    0x21    wLength=4    data=${data}
        Then The Request Is Stalled
        And The Callback Was Called With    ${request}    1
    END

Should Stall When The Callback Raises
    Given A Pico Showing
    When The Board Runs    answer = lambda stage, request: 1 // 0
    And The Host Requests    0x21    0x61
    Then The Request Is Stalled
    When The Board Is At Its Prompt
    Then The Callback Was Called With    21 61 00 00 00 00 00 00    1

Should Answer The Next Request After A Stall
    [Tags]    row:C5.endpoint-0
    Given A Pico Showing
    When The Board Runs    answer = lambda stage, request: request[1] == 0x32 and (stage != 1 or b"fine")
    FOR    ${i}    IN RANGE    3
        And The Host Requests    0xA1    0x31    wLength=4
        Then The Request Is Stalled
        When The Host Requests    0xA1    0x32    wLength=4
        Then The Answer Is    66 69 6e 65
    END

Should End An Answer As USB Asks For Its Length
    [Documentation]    Shorter, equal and longer than wLength; an empty packet only where nothing else tells the end.
    [Tags]    row:D11.shorter    row:D11.equal    row:D11.longer    row:D11.multiple-of-64-zlp    row:C4.in
    ...    row:C4.zero-length
    Given A Pico Showing
    When The Board Runs    data = bytes(range(256))
    ...    answer = lambda stage, request: data[: request[2] | request[3] << 8] if stage == 1 else True
    FOR    ${size}    ${wLength}    ${length}    ${packets}    IN
    ...    1      64     1      DATA1:1
    ...    63     64     63     DATA1:63
    ...    64     64     64     DATA1:64
    ...    64     65     64     DATA1:64 DATA0:0
    ...    65     64     64     DATA1:64
    ...    128    255    128    DATA1:64 DATA0:64 DATA1:0
    ...    200    129    129    DATA1:64 DATA0:64 DATA1:1
    ...    200    200    200    DATA1:64 DATA0:64 DATA1:64 DATA0:8
        When The Bus Is Traced
        And The Host Requests    0xA1    0x41    wValue=${size}    wLength=${wLength}
        Then The Answer Counts Up    ${length}
        When The Trace Ends
        Then The Packets Of Endpoint Are    0x80    ${packets}
    END

Should Receive A Data Stage Of Any Length Whole
    [Tags]    row:D12.receives    row:C4.out
    Given A Pico Showing
    When The Board Runs    box = memoryview(bytearray(300))
    ...    answer = lambda stage, request: box[: request[6] | request[7] << 8] if stage == 1 else True
    FOR    ${length}    IN    1    63    64    65    128    300
        ${data}=    Bytes Counting Up    ${length}
        When The Board Runs    box[:] = bytes(300)
        And The Host Requests    0x21    0x51    data=${data}
        Then The Request Succeeds
        And The Board Says    bytes(box) == bytes(i & 255 for i in range(${length})) + bytes(300 - ${length})    True
    END

*** Keywords ***
The Callback Was Called With
    [Documentation]    The same request bytes at each of these stages, for requests of a class.
    [Arguments]    ${request}    @{stages}
    ${calls}=    Evaluate    [(int(stage), "${request}") for stage in $stages]
    The Board Says    [(e[1], e[2].hex(" ")) for e in log if e[0] == "control" and e[2][0] & 0x60]    ${calls}
