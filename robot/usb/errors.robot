*** Settings ***
Documentation     What goes wrong on a wire, and the registers that tell: no byte is lost or doubled.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Lose And Double No Byte When OUT Packets Are Spoiled
    [Tags]    row:C13.crc-bit    row:C13.bit-stuffing-bit    row:C13.time-out-bit    row:C13.wrong-toggle-bit
    ...    row:C13.lost-ack-bit    row:C13.crc-no-loss    row:C13.bit-stuffing-no-loss    row:C13.time-out-no-loss
    ...    row:C13.wrong-toggle-no-loss    row:C13.lost-ack-no-loss
    Given A Pico Running    vendor_bulk.py
    FOR    ${fault}    ${bit}    IN    Crc    24    BitStuff    25    LostData    27    WrongToggle    31    LostHandshake    31
        When The Host Spoils    ${fault}    0x01    count=2    skip=1
        Then The Echo Is Whole
        And The Board Says    mem32[0x50110050] >> ${bit} & 1    1
    END

Should Lose And Double No Byte When IN Packets Are Spoiled
    [Tags]    row:C13.crc-no-loss    row:C13.bit-stuffing-no-loss    row:C13.time-out-no-loss
    ...    row:C13.wrong-toggle-no-loss    row:C13.lost-ack-no-loss
    Given A Pico Running    vendor_bulk.py
    FOR    ${fault}    IN    Crc    BitStuff    LostData    WrongToggle    LostHandshake
        When The Host Spoils    ${fault}    0x81    count=2    skip=1
        Then The Echo Is Whole
        And The Board Says    mem32[0x50110050] >> 27 & 1    1
    END

Should Complete A Control Transfer Whose Packets Are Spoiled
    Given A Pico Running    vendor_control.py
    FOR    ${fault}    IN    Crc    BitStuff    LostData    WrongToggle
        When The Host Spoils    ${fault}    0x00
        And The Host Spoils    ${fault}    0x80    skip=1
        And The Host Requests    bmRequestType=0xA1    bRequest=2    wValue=200    wLength=512
        Then The Answer Counts Up    200
    END

Should Take A Packet Once Whose ACK Was Lost In A Data Stage
    [Tags]    row:C13.lost-ack-no-loss
    Given A Pico Running    vendor_control.py
    When The Host Spoils    LostHandshake    0x80    skip=1
    And The Host Requests    bmRequestType=0xA1    bRequest=2    wValue=200    wLength=512
    Then The Answer Counts Up    200

Should Give Up After Three Attempts
    Given A Pico Running    vendor_bulk.py
    When The Host Spoils    Crc    0x01    count=3
    And The Host Writes    0x01    01
    Then The Request Fails
    When The Host Writes    0x01    02
    And The Host Reads    0x81    64
    Then The Answer Is    02

Should Raise An Interrupt Only When It Is Enabled Or Forced
    [Documentation]    INTS is INTR under INTE, and INTF. The driver's interrupt is off meanwhile.
    [Tags]    row:C14.inte    row:C14.intf    row:C14.ints
    Given A Pico Running    vendor_control.py
    When The Board Runs    from machine import mem32; mem32[0xe000e180] = 1 << 5
    ...    seen = []
    ...    for inte, intf in ((0, 0), (1 << 11, 0), (0, 1 << 10)):
    ...    ${SPACE * 4}mem32[0x50110090] = inte; mem32[0x50110094] = intf
    ...    ${SPACE * 4}seen.append((mem32[0x50110098], mem32[0xe000e200] >> 5 & 1)); mem32[0x50110090] = mem32[0x50110094] = 0
    ...    ${SPACE * 4}mem32[0xe000e280] = 1 << 5
    Then The Board Says    seen    [(0, 0), (2048, 1), (1024, 1)]

Should Tell Which Buffer Of Two Is To Be Handled
    [Documentation]    Interrupt per buffer: BUFF_STATUS comes back for the second when it is cleared for the first.
    [Tags]    row:C14.buff-status    row:C14.should-handle    row:C14.per-buffer
    Given A Pico Running    all_endpoints.py
    When The Board Runs    from machine import mem32; mem32[0xe000e180] = 1 << 5
    ...    mem32[0x50100038] = 1 << 31 | 1 << 30 | 1 << 29 | 2 << 26 | 0xe00
    ...    mem32[0x501000b8] = (0xa400 | 3) << 16 | 0x9400 | 64
    And The Host Reads    0x87    67
    Then The Board Says    [mem32[0x50110058] >> 14 & 1, mem32[0x5011005c] >> 14 & 1]    [1, 0]
    When The Board Runs    mem32[0x50110058] = 1 << 14
    Then The Board Says    [mem32[0x50110058] >> 14 & 1, mem32[0x5011005c] >> 14 & 1]    [1, 1]
    When The Board Runs    mem32[0x50110058] = 1 << 14
    Then The Board Says    mem32[0x50110058] >> 14 & 1    0

Should Set, Clear And Flip Bits Through The Aliases
    [Tags]    row:C15.set    row:C15.clear    row:C15.xor
    Given A Pico Without A Cable    vendor_control.py
    When The Board Runs    from machine import mem32; seen = []; r = 0x5011007c
    ...    for alias, value in ((0, 0x11), (0x2000, 0x22), (0x3000, 0x01), (0x1000, 0x30)): mem32[r + alias] = value; seen.append(mem32[r] & 0xff)
    Then The Board Says    [hex(x) for x in seen]    ['0x11', '0x33', '0x32', '0x2']

Should Reach DPSRAM By Bytes, Half Words And Words
    [Tags]    row:C15.dpsram-8    row:C15.dpsram-16    row:C15.dpsram-32
    Given A Pico Without A Cable    vendor_control.py
    When The Board Runs    from machine import mem8, mem16, mem32; a = 0x50100f00
    ...    mem32[a] = 0x44332211; mem8[a + 1] = 0xaa; mem16[a + 2] = 0xbbcc
    Then The Board Says    [hex(mem32[a] & 0xffffffff), hex(mem8[a + 3]), hex(mem16[a])]    ['0xbbccaa11', '0xbb', '0xaa11']

Should Carry The Same Bytes At The Same Time In Every Run
    [Tags]    row:C17.same-trace
    ${first}=    The Trace Of A Run    A New Pico Without A Cable
    Reset Emulation
    ${second}=    The Trace Of A Run    A New Pico Without A Cable
    Should Be True    len($first) > 20
    Should Be Equal    ${first}    ${second}

Should Go The Way Of A Board That Booted When It Is Taken From Where One Had
    [Documentation]    As every test does whose words do not say that its board is new.
    A Pico Without A Cable    cdc
    Reset Emulation
    ${kept}=    The Trace Of A Run    A Pico Without A Cable
    Reset Emulation
    ${booted}=    The Trace Of A Run    A New Pico Without A Cable
    Should Be True    len($kept) > 20
    Should Be Equal    ${kept}    ${booted}

*** Keywords ***
The Echo Is Whole
    [Documentation]    200 bytes there and back; the status bits are cleared before.
    The Board Runs    from machine import mem32; mem32[0x50110050] = 0xff000000
    ${data}=    Bytes Counting Up    200
    The Host Writes    0x01    ${data}
    The Host Reads    0x81    1024
    The Answer Is    ${data}

The Trace Of A Run
    [Arguments]    ${a pico}
    Run Keyword    ${a pico}    cdc
    The Bus Is Traced
    The Cable Is Plugged In
    The Host Enumerates
    The Host Requests    bmRequestType=0x21    bRequest=0x22    wValue=3
    The Host Reads    0x82    64
    The Host Writes    0x02    70 72 69 6e 74 28 31 29 0d
    The Host Reads    0x82    64
    The Host Resets The Bus
    ${trace}=    The Trace Ends
    RETURN    ${trace}
