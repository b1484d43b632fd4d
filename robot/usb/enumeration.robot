*** Settings ***
Documentation     The host enumerates as an operating system does: what Linux forgives is a problem it tells of, unless it is strict.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Forgive What Linux Forgives And Tell
    [Tags]    row:R5.lenient
    Given A Pico Running    lying_device.py
    Then The Tree Contains    ID f055:9005 "renode-pico" "liar"
    And The Tree Contains    Problem: configuration descriptor, offset 4: bNumInterfaces is 4, but 1 are described
    And The Tree Contains    bNumEndpoints of interface 0 alternate setting 0 is 3, but 2 are described
    And The Device Answers GET_STATUS With    00 00

Should End At The First Lie When It Is Strict
    [Tags]    row:R5.strict
    Given A Pico Without A Cable    lying_device.py
    When The Host Is Strict
    And The Cable Is Plugged In
    Then Enumeration Fails With    bNumEndpoints of interface 0 alternate setting 0 is 3

Should Find Nothing Wrong With A Right Device
    [Tags]    row:R5.strict
    Given A Pico Without A Cable    vendor_bulk.py
    When The Host Is Strict
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Tree Contains    ID f055:9002 "renode-pico" "vendor bulk"

Should Enumerate What Comes In A Device's Place
    [Documentation]    The device is replaced while the host enumerates the one before, at one millisecond after the other.
    [Tags]    row:R5.detach
    FOR    ${milliseconds}    IN    105    118    124    127
        Given A Pico Without A Cable    vendor_bulk.py
        When The Board Becomes Another Device After    ${milliseconds}
        And The Cable Is Plugged In
        And The Host Enumerates
        And Time Passes    0.25
        And The Host Enumerates
        Then The Tree Contains    ID f055:1234 "renode-pico" "vendor bulk"
        Reset Emulation
    END

*** Keywords ***
The Board Becomes Another Device After
    [Arguments]    ${milliseconds}
    The Board Runs
    ...    another = bytearray(desc_dev); another[10:12] = bytes((0x34, 0x12))
    ...    def become(_):
    ...    \ \ \ \ usb.active(False)
    ...    \ \ \ \ usb.config(another, desc_cfg, {1: "renode-pico", 2: "vendor bulk"}, open_itf_cb=opened, xfer_cb=moved)
    ...    \ \ \ \ usb.active(True)
    ...    machine.Timer(mode=machine.Timer.ONE_SHOT, period=int(${milliseconds}), callback=become)
