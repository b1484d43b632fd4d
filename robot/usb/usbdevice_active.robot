*** Settings ***
Documentation     machine.USBDevice: active(), builtin_driver, remote_wakeup().
Resource          ${CURDIR}/../resources/usb_${ENGINE}.resource
Resource          ${CURDIR}/../resources/usbdevice.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Attach When Activated And Detach When Deactivated
    [Tags]    row:D14.reads    row:D14.attach    row:D14.enumerate    row:D14.detach
    Given A Pico Without A Cable    probe.py
    When The Cable Is Plugged In
    And The Board Runs    config(device(), configuration(interface(0)))
    Then The Board Says    usb.active()    False
    And The Port Is    Detached
    When The Board Runs    usb.active(True)
    And The Host Enumerates
    Then The Board Says    usb.active()    True
    And The Tree Contains    ID f055:9001
    When The Board Runs    usb.active(False)
    Then The Board Says    usb.active()    False
    And The Port Is    Detached

Should Not Be Activated Without A Configuration
    Given A Pico Without A Cable    uart
    When The Cable Is Plugged In
    And The Board Runs    import machine
    Then The Board Raises    OSError 22    machine.USBDevice().active(True)
    And The Port Is    Detached

Should Be Another Device After A New Configuration
    [Tags]    row:D15.new-device
    Given A Pico Showing    pid=1
    Then The Product Number Is    1
    And The Host Sees Interfaces Of Class    ff
    When The Board Runs    usb.active(False)
    ...    config(device(pid=2), configuration(interface(0), interface(1, cls=3), count=2))
    ...    usb.active(True)
    And The Device Attaches Again
    Then The Product Number Is    2
    And The Host Sees Interfaces Of Class    ff 03

Should Have No Built-In Driver Unless Told To While Inactive
    [Tags]    row:D16.default-none    row:D16.raises-while-active
    Given A Pico Without A Cable    probe.py    firmware=uart-cdc
    Then The Board Says    usb.builtin_driver is usb.BUILTIN_NONE    True
    When The Board Runs    usb.builtin_driver = usb.BUILTIN_DEFAULT
    Then The Board Says    usb.builtin_driver is usb.BUILTIN_CDC    True
    When The Board Runs    usb.builtin_driver = usb.BUILTIN_NONE; start()
    Then The Board Raises    OSError 22    usb.builtin_driver = usb.BUILTIN_DEFAULT
    And The Board Says    usb.builtin_driver is usb.BUILTIN_NONE    True

Should Wake A Suspended Host That Has Allowed It
    [Tags]    row:D20.true    row:D20.wakes    row:C12.remote-wakeup
    Given A Pico Showing    endpoint(0x81)
    When The Host Requests    0x00    3    wValue=1
    Then The Board Says    usb.remote_wakeup()    False
    When The Host Suspends The Bus
    Then The Board Says    usb.remote_wakeup()    True
    When Time Passes    0.04
    Then The Port Is    Active
    When The Board Runs    usb.submit_xfer(0x81, b"awake")
    And The Host Reads    0x81    64
    Then The Answer Is    61 77 61 6b 65

Should Let A Host Sleep That Has Not Allowed To Be Woken
    [Tags]    row:D20.false-otherwise
    Given A Pico Showing    endpoint(0x81)
    When The Host Suspends The Bus
    Then The Board Says    usb.remote_wakeup()    False
    When Time Passes    0.04
    Then The Port Is    Suspended
