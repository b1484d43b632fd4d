*** Settings ***
Documentation     Suspend, resume and remote wake-up (USB 2.0, 7.1.7.6 and 7.1.7.7).
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode
${SIE_STATUS}     0x50110050

*** Test Cases ***
Should Be Suspended After 3 ms Of Idle Bus
    [Tags]    row:C12.host-resume
    Given A Pico Running    vendor_control.py
    When The Host Suspends The Bus
    Then The Device Is Suspended    1
    When The Host Resumes The Bus
    Then The Device Is Suspended    0
    And The Device Answers GET_STATUS With    00 00

Should Finish A Transfer That A Suspend Has Interrupted
    [Tags]    row:C12.host-resume
    Given A Pico Running    vendor_bulk.py
    When The Host Begins To Read    0x81    64
    And The Host Suspends The Bus
    And The Host Resumes The Bus
    And The Host Writes    0x01    be ef
    And What Was Begun Ends
    Then Should Be Equal    ${ANSWERS}[0]    be ef

Should Wake A Host That Allowed It
    [Tags]    row:C12.remote-wakeup    row:D20.true    row:D20.wakes
    Given A Pico Running    vendor_control.py
    When The Host Requests    0x00    3    wValue=1
    And The Host Suspends The Bus
    Then The Port Is    Suspended
    And The Board Says    usb.remote_wakeup()    True
    When Time Passes    0.04
    Then The Port Is    Active
    And The Device Answers GET_STATUS With    02 00

Should Not Wake A Host That Did Not Allow It
    [Tags]    row:D20.false-otherwise
    Given A Pico Running    vendor_control.py
    When The Host Suspends The Bus
    Then The Board Says    usb.remote_wakeup()    False
    When Time Passes    0.04
    Then The Port Is    Suspended

*** Keywords ***
The Device Is Suspended
    [Arguments]    ${expected}
    ${status}=    The Register Holds    ${SIE_STATUS}
    Should Be Equal As Integers    ${{ $status >> 4 & 1 }}    ${expected}
