*** Settings ***
Documentation     What there is on a Pico besides the chip: button, LED, pins, ADC inputs, warmth; and a board as it was.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Light Its LED And Read Its Pins
    [Tags]    row:R4.robot
    Given A Pico Without A Cable    uart
    When The Board Runs    from machine import Pin    led = Pin("LED", Pin.OUT, value=1)    pin = Pin(3, Pin.IN)
    Then The LED Is    on
    And The Pin Is Driven    3    high
    And The Board Says    pin.value()    1
    When The Pin Is Driven    3    low
    And The Board Runs    led.off()
    Then The LED Is    off
    And The Pin Is    3    low
    And The Board Says    pin.value()    0

Should Measure Voltages And Its Own Warmth
    [Tags]    row:R4.robot
    Given A Pico Without A Cable    uart
    When The ADC Input Sees    1    1.65
    And The Chip Is At    40
    And The Board Runs    from machine import ADC    warm = 27 - (ADC(4).read_u16() * 3.3 / 65535 - 0.706) / 0.001721
    Then The Board Says    ADC(27).read_u16() // 656    49
    And The Board Says    38 < warm < 42    True

Should See Its Button
    [Tags]    row:R4.robot
    Given A Pico Without A Cable    uart
    And The Board Is At Its Prompt
    When The Button Is Pressed    bootsel
    Then The Board Says    __import__("rp2").bootsel_button()    1
    When The Button Is Let Go    bootsel
    Then The Board Says    __import__("rp2").bootsel_button()    0

Should Be As It Was
    [Tags]    row:R4.robot
    Given A Pico Running    uart-cdc
    And The Board Runs    kept = 41
    When The Board Is Remembered
    FOR    ${_}    IN RANGE    2
        And The Board Runs    kept += 1
        And The Board Says    kept    42
        And The Device Answers GET_STATUS With    00 00
        And The Cable Is Pulled
        And The Board Is As Remembered
        Then The Board Is At Its Prompt
        And The Board Says    kept    41
        And The Device Answers GET_STATUS With    00 00
    END
