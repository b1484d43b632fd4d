*** Settings ***
Documentation     Control transfers: stages, lengths, stalls, the standard requests (USB 2.0, 8.5.3 and 9.4).
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/trace.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Find The SETUP Packet At The Start Of DPSRAM
    [Tags]    row:C3.start-of-dpsram
    Given A Pico Running    vendor_control.py
    When The Host Requests    bmRequestType=0x21    bRequest=1    wValue=0x1234
    Then The Request Succeeds
    And The Board Says    hex(machine.mem32[0x50100000])    0x12340121

Should Accept A SETUP That Aborts A Control Transfer
    [Tags]    row:C3.always-accepted    row:C3.aborts
    Given A Pico Running    vendor_control.py
    When The Bus Is Traced
    And The Host Abandons A Request    bmRequestType=0xA1    bRequest=2    wValue=512    wLength=512
    And Time Passes    0.005
    Then The Device Answers GET_STATUS With    00 00
    When The Trace Ends
    Then The Data Stage Before The Last SETUP Was Cut

Should Read Data Stages Of Any Length
    [Tags]    row:C4.in    row:C4.zero-length
    Given A Pico Running    vendor_control.py
    FOR    ${length}    IN    0    1    63    64    65    127    128    129    512
        When The Host Requests    bmRequestType=0xA1    bRequest=2    wValue=${length}    wLength=512
        Then The Answer Counts Up    ${length}
    END

Should Cut A Data Stage At wLength
    [Tags]    row:C4.in
    Given A Pico Running    vendor_control.py
    When The Host Requests    bmRequestType=0xA1    bRequest=2    wValue=512    wLength=100
    Then The Answer Counts Up    100

Should Write Data Stages Of Many Packets
    [Tags]    row:C4.out
    Given A Pico Running    vendor_control.py
    ${data}=    Bytes Counting Up    300
    When The Host Requests    bmRequestType=0x21    bRequest=3    data=${data}
    And The Host Requests    bmRequestType=0xA1    bRequest=4    wLength=512
    Then The Answer Is    ${data}
    And The Board Says    state["stages"]    [1, 2, 3]

Should Alternate The Toggles Of A Data Stage And End With DATA1
    [Tags]    row:C4.zero-length    row:C4.status    row:C4.toggles
    Given A Pico Running    vendor_control.py
    When The Bus Is Traced
    And The Host Requests    bmRequestType=0xA1    bRequest=2    wValue=128    wLength=512
    And The Trace Ends
    Then The Packets Of Endpoint Are    0x80    DATA1:64 DATA0:64 DATA1:0
    And The Packets Of Endpoint Are    0x00    DATA0:8 DATA1:0

Should Stall An Unknown Vendor Request
    [Tags]    row:C5.endpoint-0
    Given A Pico Running    vendor_control.py
    When The Host Requests    bmRequestType=0xC0    bRequest=0x55    wLength=8
    Then The Request Is Stalled
    And The Device Answers GET_STATUS With    00 00

Should Stall What The Device Does Not Have
    [Tags]    row:C6.device-qualifier
    Given A Pico Running    vendor_control.py
    FOR    ${setup}    IN    0x80 6 0x0600 0 10    0x80 6 0x7700 0 64    0x80 6 0x0363 0x0409 64    0x80 77 0 0 2
        When The Host Requests    @{setup.split()}
        Then The Request Is Stalled
        And The Device Answers GET_STATUS With    00 00
    END

Should Answer The Standard Requests Of A Device
    Given A Pico Running    vendor_bulk.py
    When The Host Requests    0x80    8    wLength=1
    Then The Answer Is    01
    When The Host Requests    0x00    3    wValue=1
    Then The Device Answers GET_STATUS With    02 00
    When The Host Requests    0x00    1    wValue=1
    Then The Device Answers GET_STATUS With    00 00

Should Answer The Standard Requests Of An Endpoint
    Given A Pico Running    vendor_bulk.py
    When The Host Requests    0x02    3    wIndex=0x81
    And The Host Requests    0x82    0    wIndex=0x81    wLength=2
    Then The Answer Is    01 00
    When The Host Clears The Halt Of    0x81
    And The Host Requests    0x82    0    wIndex=0x81    wLength=2
    Then The Answer Is    00 00

Should Cut A Descriptor At wLength And Never Send More Than There Is
    [Tags]    row:C6.wlength-below    row:C6.wlength-at    row:C6.wlength-above
    Given A Pico Running    vendor_control.py
    FOR    ${asked}    ${got}    IN    1    1    17    17    18    18    19    18    255    18
        When The Host Requests    0x80    6    wValue=0x0200    wLength=${asked}
        Then The Answer Has Length    ${got}
    END

*** Keywords ***
The Host Abandons A Request
    [Documentation]    Gives up 300 µs after its SETUP, in the middle of the data stage.
    [Arguments]    ${bmRequestType}    ${bRequest}    ${wValue}=0    ${wIndex}=0    ${wLength}=0
    Host Does    ControlIn ${bmRequestType} ${bRequest} ${wValue} ${wIndex} ${wLength} 0.0003
    The Request Times Out

The Answer Has Length
    [Arguments]    ${length}
    ${bytes}=    Evaluate    len(bytes.fromhex($ANSWER))
    Should Be Equal As Integers    ${bytes}    ${length}

The Packets Of Endpoint Are
    [Documentation]    PID and length of each acknowledged data packet, in order.
    [Arguments]    ${endpoint}    ${expected}
    ${rows}=    Rows Of    ${TRACE}    ${endpoint}
    ${rows}=    Moved    ${rows}
    ${packets}=    Evaluate    " ".join(f"{row.data_pid}:{len(row.data)}" for row in $rows)
    Should Be Equal    ${packets}    ${expected}

The Data Stage Before The Last SETUP Was Cut
    ${got}=    Evaluate    sum(len(r.data) for r in $TRACE if r.token == "IN" and len(r.data) == 64)
    Should Be True    0 < ${got} < 512
