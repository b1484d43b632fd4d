*** Settings ***
Documentation     machine.USBDevice: what config() makes the host see, and when open_itf_cb is called.
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usbdevice.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Be One Object However Often It Is Made
    [Tags]    row:D1.same-object
    Given A Pico Without A Cable    uart
    When The Board Runs    import machine    usb = machine.USBDevice()
    Then The Board Says    machine.USBDevice() is usb, machine.USBDevice() is usb    True True

Should Show The Host Its Descriptors Byte For Byte
    [Tags]    row:D2.desc-dev    row:D2.desc-cfg
    Given A Pico Without A Cable    probe.py
    When The Board Runs    dev = device(0x1209, 0xABCD)
    ...    cfg = configuration(interface(0, endpoint(0x81, 3, 16, 5), endpoint(0x02)), b"\\x05\\xff\\x01\\x02\\x03")
    ...    config(dev, cfg); usb.active(True)
    And The Cable Is Plugged In
    And The Host Enumerates
    ${device}=    The Host Reads Descriptor    0x0100
    ${configuration}=    The Host Reads Descriptor    0x0200
    Then The Board Says    dev.hex(" ")    ${device}
    And The Board Says    cfg.hex(" ")    ${configuration}

Should Take Its Strings From Anything With A Subscript
    [Tags]    row:D3.list    row:D3.dict    row:D3.object
    Given A Pico Showing
    FOR    ${strings}    IN    [None, "Maker", "Thing"]    {1: "Maker", 2: "Thing"}
    ...    type("Strings", (), {"__getitem__": lambda self, i: (None, "Maker", "Thing")[i]})()
        When The Board Shows    strings=${strings}, manufacturer=1, product=2
        Then String Is    1    Maker
        And String Is    2    Thing
    END

Should Fall Back To The Built-In String Where There Is None
    [Documentation]    No strings at all; KeyError; a value None; IndexError.
    [Tags]    row:D4.none    row:D4.none-value    row:D4.key-error    row:D4.index-error
    Given A Pico Showing
    FOR    ${strings}    IN    None    {2: "Thing"}    [None, None, "Thing"]    [None]
        When The Board Shows    strings=${strings}, manufacturer=1
        Then String Is    1    MicroPython
    END

Should Send The Language Table It Is Given And English For None
    [Tags]    row:D5.table-as-given    row:D5.none-english
    Given A Pico Showing    strings={0: b"\\x06\\x03\\x07\\x04\\x09\\x04", 1: "Hersteller"}, manufacturer=1
    When The Host Requests    0x80    6    wValue=0x0300    wLength=255
    Then The Answer Is    06 03 07 04 09 04
    When The Board Shows    strings=[None, "Maker"], manufacturer=1
    And The Host Requests    0x80    6    wValue=0x0300    wLength=255
    Then The Answer Is    04 03 09 04

Should Open Each Interface Once With What Belongs To It
    [Documentation]    An association is counted to the interface before it, and its interfaces are opened together.
    [Tags]    row:D6.per-interface    row:D6.per-iad    row:D6.descriptors
    Given A Pico Without A Cable    probe.py
    When The Board Runs    one = interface(0, endpoint(0x81), endpoint(0x01))
    ...    two = interface(1, endpoint(0x82)) + b"\\x05\\x24\\x01\\x02\\x03"
    ...    pair = interface(2, endpoint(0x83)) + interface(3, endpoint(0x03))
    ...    iad = bytes((8, 11, 2, 2, 255, 0, 0, 0))
    ...    config(device(), configuration(one, two, iad, pair, count=4)); usb.active(True)
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Board Says    [e[1] for e in log if e[0] == "open"] == [one, two + iad, pair]    True
