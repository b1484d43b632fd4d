*** Settings ***
Documentation     The class drivers' keywords, with TinyUSB's drivers at the other end; run by test_robot_keywords.py.
Library           renode_pico.robot_library.PicoLibrary    engine=${ENGINE}    apps=${CURDIR}/../../../firmware/apps

*** Test Cases ***
Should Type, Keep Files And Play
    Given A Pico Running    chip/usb_composite
    When The LEDs Are Lit    Caps Lock
    And The Disk Is Given    /new.txt    from the host
    Then The Disk Holds    /new.txt    from the host
    And The Disk Holds    /README.TXT    from a disk in RAM\n
    When The MIDI Device Is Sent    note_on channel=1 note=60 velocity=64
    Then The MIDI Device Sends    note_on channel=1 note=60 velocity=64

Should Be An Instrument With A Loader And A Page
    Given A Pico Running    chip/usb_instrument
    Then The Instrument Answers    *IDN?    renode-pico,meter,0002,1.0
    And The Landing Page Is    https://example.org/pico
    When Firmware Is Downloaded    01 02 03

Should Carry Frames
    Given A Pico Running    chip/usb_ncm
    When The Host Sends A Frame    01 01 01 01 01 01 02 02 02 02 02 02 08 00 aa bb cc
    Then A Frame Comes    02 02 02 02 02 02 01 01 01 01 01 01 08 00 aa bb cc
