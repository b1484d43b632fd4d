*** Settings ***
Documentation     What a program does to the USB controller that silicon punishes at random (docs/sanitizer.md).
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode
# EP15_IN_CONTROL: enabled, bulk, buffer at 0xf80; and its buffer control word
${CONTROL}        mem32[0x50100078]
${BUFFERS}        mem32[0x501000f8]

*** Test Cases ***
Should Find Nothing Wrong With A Driver That Is Right
    Given A Pico Running    vendor_control.py
    When The Host Requests    bmRequestType=0xA1    bRequest=2    wValue=200    wLength=512
    Then The Answer Counts Up    200
    And The Sanitizer Has Found

Should Find What Is Done To An Endpoint
    Given A Pico Running    vendor_control.py
    When The Board Runs    from machine import mem8, mem32    ${CONTROL} = 0xA8000F80    ${BUFFERS} = 0x8404
    Then The Sanitizer Has Found    early-available
    When The Board Runs    mem8[0x50100f80] = 1
    Then The Sanitizer Has Found    early-available    armed-buffer
    When The Board Runs    ${BUFFERS} = 0
    Then The Sanitizer Has Found    early-available    armed-buffer    revoked
