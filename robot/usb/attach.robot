*** Settings ***
Documentation     Attach, detach, VBUS and bus reset, seen from both ends of the cable.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should See A Full-Speed Device When The Pull-Up Is On
    [Tags]    row:C1.full-speed    row:T7.same-suites
    Given A Pico Without A Cable    vendor_control.py
    When The Cable Is Plugged In
    And Time Passes    0.11
    Then The Port Is    Attached
    When The Host Enumerates
    Then The Tree Contains    ID f055:9001 "renode-pico" "vendor control"

Should See A Detach When The Pull-Up Goes Off
    [Tags]    row:C1.detach
    Given A Pico Running    vendor_control.py
    When The Board Runs    usb.active(False)
    Then The Port Is    Detached
    When The Board Runs    usb.active(True)
    And The Host Enumerates
    Then The Device Answers GET_STATUS With    00 00

Should Detect VBUS By Override And By The Cable
    [Tags]    row:C1.vbus-pin    row:C1.vbus-override
    Given A Pico Without A Cable    vendor_control.py
    Then The Board Says    machine.mem32[0x50110050] & 1    1
    When The Board Runs    machine.mem32[0x50110078] = 0
    Then The Board Says    machine.mem32[0x50110050] & 1    0
    When The Cable Is Plugged In
    Then The Board Says    machine.mem32[0x50110050] & 1    1

Should Return To Address 0 On A Bus Reset
    [Tags]    row:C2.address-0    row:C2.views-agree
    Given A Pico Running    vendor_control.py
    Then The Board Says    machine.mem32[0x50110000]    1
    When The Host Resets The Bus
    Then The Board Says    machine.mem32[0x50110000]    0
    When The Host Requests    bmRequestType=0x80    bRequest=6    wValue=0x0100    wLength=8
    Then The Answer Is    12 01 00 02 ff 00 00 40

Should Survive A Cable That Is Pulled And Plugged In Again
    Given A Pico Running    cdc
    When The Cable Is Pulled
    And Time Passes    0.1
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Tree Contains    ID 2e8a:0005 "MicroPython"
