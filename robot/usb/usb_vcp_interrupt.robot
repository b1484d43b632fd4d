*** Settings ***
Documentation     pyb.USB_VCP.setinterrupt: the character that interrupts a running program.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usb_vcp.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Be Interrupted By Ctrl-C Which Is No Data
    [Tags]    row:V4.ctrl-c
    Given A Host That Has The Port Open
    When While The Board Runs    busy(20)    The Host Sends    ab\x03cd
    Then The Board Prints    interrupted
    And The Board Says    v.read()    b'abcd'

Should Be Interrupted From Either Port
    [Tags]    row:V4.ctrl-c
    Given A Host That Has The Port Open
    And The Host Opens Port    1
    FOR    ${port}    IN    1    0
        When While The Board Runs    busy(20)    The Host Sends    \x03    ${port}
        Then The Board Prints    interrupted
    END

Should Be Interrupted By Another Character On That Port Only
    [Tags]    row:V4.another
    Given A Host That Has The Port Open
    When The Board Runs    v.setinterrupt(ord("q"))
    And While The Board Runs    busy(20)    The Host Sends    a\x03b
    Then The Board Prints    undisturbed
    When While The Board Runs    busy(20)    The Host Sends    aqb
    Then The Board Prints    interrupted
    When While The Board Runs    busy(20)    The Host Sends    q    1
    Then The Board Prints    undisturbed
    And The Board Says    v.read(), w.read()    b'a\\x03bab' b'q'

Should Pass Every Byte After -1
    [Tags]    row:V4.minus-one-raw
    Given A Host That Has The Port Open
    When The Board Runs    v.setinterrupt(-1)
    And While The Board Runs    busy(20)    The Host Sends Every Byte
    Then The Board Prints    undisturbed
    And The Board Says    v.read() == bytes(range(256))    True

Should End Whatever Waits
    [Tags]    row:V4.ctrl-c
    Given A Host That Has The Port Open
    When The Board Runs    def waits(function):
    ...    ${SPACE}try: print(function())
    ...    ${SPACE}except KeyboardInterrupt: print("interrupted")
    FOR    ${wait}    IN    v.recv(1, timeout\=60000)    w.send(b"x", timeout\=60000)
        And While The Board Runs    waits(lambda: ${wait})    The Host Sends    \x03
        Then The Board Prints    interrupted
    END

*** Keywords ***
The Host Sends Every Byte
    The Host Sends    ${{ bytes(range(256)).decode("latin-1") }}
