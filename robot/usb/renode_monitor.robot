*** Settings ***
Documentation     The host's commands in Renode's monitor, each with its help text.
Test Tags         engine:renode
Resource          ${CURDIR}/../resources/usb_renode.resource

*** Test Cases ***
Should Explain Every Command
    [Tags]    row:T2.help
    Given A Pico Without A Cable    cdc
    FOR    ${command}    IN    Plug    Unplug    Reset    Suspend    Resume    Enumerate    Tree    Status    ControlIn    ControlOut    BulkIn
    ...    BulkOut    IsochronousIn    IsochronousOut    QueueIn    QueueOut    Collect    ClearHalt    SetConfiguration    SetInterface
    ...    InjectFault    TraceStart    TraceStop    Help
        ${help}=    Host Does    Help "${command}"
        Should Match Regexp    ${help}    ^${command}\\b.*: .{15,}
    END

Should Show The Device Tree
    [Tags]    row:T2.tree
    Given A Pico Running    cdc
    Then The Tree Contains    Device 1: ID 2e8a:0005 "MicroPython" "Board in FS mode"
    And The Tree Contains    Interface 0 "Board CDC": class 0x02 (communications)
    And The Tree Contains    Endpoint 0x82: bulk IN, 64 bytes

Should Say What It Is Doing
    [Tags]    row:T2.plug    row:T2.unplug    row:T2.enumerate
    Given A Pico Without A Cable    cdc
    Then Host Does    Status
    And Should Start With    ${ANSWER}    port Unplugged
    When The Cable Is Plugged In
    And The Host Enumerates
    Then Host Does    Status
    And Should Match Regexp    ${ANSWER}    ^port Active, frame \\d+, 1 attached so far, \\d+ transactions, device 1
    When The Cable Is Pulled
    Then Host Does    Status
    And Should Start With    ${ANSWER}    port Unplugged

Should Enumerate By Itself Unless Told Not To
    Given A Pico Without A Cable    cdc
    When Host Does    AutoEnumerate true
    And The Cable Is Plugged In
    And Time Passes    0.3
    Then The Tree Contains    ID 2e8a:0005

Should Transfer On Control And Bulk Endpoints
    [Tags]    row:T2.control    row:T2.bulk
    Given A Pico Running    cdc
    When Host Does    ControlOut 0x21 0x20 0 0 "80 25 00 00 00 00 07"
    Then The Answer Is    OK
    And Host Does    ControlIn 0xA1 0x21 0 0 7
    And The Answer Is    80 25 00 00 00 00 07
    When Host Does    ControlOut 0x21 0x22 3 0
    And Host Does    BulkOut 0x02 "70 72 69 6e 74 28 36 2a 37 29 0d"
    Then The Answer Is    OK
    ${said}=    Set Variable    ${EMPTY}
    WHILE    "29 0d 0a 34 32 0d 0a" not in $said    limit=20
        When Host Does    BulkIn 0x82 64
        ${said}=    Catenate    ${said}    ${ANSWER}
    END
    Then Should Contain    ${said}    4d 69 63 72 6f 50 79 74 68 6f 6e

Should Configure, Halt And Clear
    Given A Pico Running    vendor_bulk.py
    When Host Does    SetConfiguration 0
    And Host Does    ControlIn 0x80 8 0 0 1
    Then The Answer Is    00
    When Host Does    SetConfiguration 1
    And Host Does    ControlOut 0x02 3 0 0x81
    And Host Does    BulkIn 0x81 64
    Then The Answer Is    STALL
    When Host Does    ClearHalt 0x81
    Then The Answer Is    OK

Should Reset, Suspend And Resume
    [Tags]    row:T2.reset    row:T2.suspend    row:T2.resume
    Given A Pico Running    vendor_control.py
    When Host Does    Suspend
    Then The Port Is    Suspended
    When Host Does    Resume
    Then The Port Is    Active
    When Host Does    Reset
    Then Host Does    Tree
    And Should Start With    ${ANSWER}    No device is enumerated

Should Refuse What Makes No Sense And Say Why
    Given A Pico Without A Cable    cdc
    Then The Host Refuses    Enumerate    the cable is unplugged
    And The Host Refuses    BulkIn 0x82 64    No enumerated device has an endpoint 0x82
    And The Host Refuses    ControlIn 0x80 6 0x0100 0 18    enumerate a device
    And The Host Refuses    ControlOut 0x80 6    ControlIn
    And The Host Refuses    Suspend    enumerate a device

Should Ask For A Controller When None Is Connected
    Given Execute Command    emulation CreateUsbHost "${HOST}"
    Then The Host Refuses    Enumerate    connector Connect sysbus.usb usb_host

Should Trace To A File And Stop
    [Tags]    row:T2.trace-on    row:T2.trace-off
    Given A Pico Running    cdc
    When The Bus Is Traced
    And The Device Answers GET_STATUS With    00 00
    And The Trace Ends
    Then Should Be Equal    ${{ [(row.token, row.handshake) for row in $TRACE if row.handshake != "NAK"] }}
    ...    ${{ [("SETUP", "ACK"), ("IN", "ACK"), ("OUT", "ACK")] }}
    And Host Does    TraceStop
    And Should Start With    ${ANSWER}    No trace was running

Should Go On From A Saved State
    Given A Pico Running    cdc
    And Host Does    ControlOut 0x21 0x22 3 0
    And Host Does    BulkIn 0x82 64
    When Execute Command    Save @${TEMPDIR}/usb-${{ os.getpid() }}.save
    And Execute Command    Load @${TEMPDIR}/usb-${{ os.getpid() }}.save
    And Execute Command    mach set 0
    And The Device Answers GET_STATUS With    00 00
    And The Cable Is Pulled
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Tree Contains    ID 2e8a:0005

Should Enumerate The Chip's First Revision Too
    [Documentation]    Its driver waits for the end of the reset and forces J on the line through GPIO15.
    [Setup]    Execute Command    $revision=1
    Given A New Pico Without A Cable    cdc
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Tree Contains    ID 2e8a:0005
    ${chip}=    The Register Holds    0x40000000
    And Should Be Equal As Integers    ${{ $chip >> 28 }}    1
    [Teardown]    Forget The Revision

Should Plug Two Boards Into Two Hosts
    Given A New Pico Without A Cable    cdc
    And The Cable Is Plugged In
    And The Host Enumerates
    When Execute Command    $name="second"
    And Execute Command    include @${PROJECT_ROOT}/renode/rpi_pico.resc
    And Execute Command    emulation CreateUsbHost "second_host"
    And Execute Command    connector Connect sysbus.usb second_host
    And Execute Command    second_host Plug
    And Execute Command    second_host Enumerate
    ${tree}=    Execute Command    second_host Tree
    Then Should Contain    ${tree}    ID 2e8a:0005
    And The Device Answers GET_STATUS With    00 00

Should Let Renode's Own USB Host Reach The Firmware
    [Documentation]    The stock converter of Renode 1.16 sets address 2 and configuration 1; the firmware takes both.
    ${version}=    Execute Command    version
    Skip If    "1.15" in $version    Renode 1.15 has no CDCToUARTConverter
    Given Create Pico    firmware=${CDC_FIRMWARE}
    When Execute Command    sysbus.usb CreateAndAttachCDCToUARTConverter "stock"
    And Execute Command    emulation RunFor "2.5"
    ${address}=    The Register Holds    0x50110000
    Then Should Be Equal As Integers    ${address}    2

Should Refuse A Second Host On The Same Port
    Given A Pico Running    cdc
    When Execute Command    emulation CreateUsbHost "other"
    Then Run Keyword And Expect Error    *connected to another host*    Execute Command    connector Connect sysbus.usb other
    And The Device Answers GET_STATUS With    00 00

Should Hand The Port To Another Host
    Given A Pico Running    cdc
    When Execute Command    connector Disconnect sysbus.usb ${HOST}
    And Execute Command    emulation CreateUsbHost "other"
    And Execute Command    connector Connect sysbus.usb other
    And Execute Command    other Plug
    And Execute Command    other Enumerate
    ${tree}=    Execute Command    other Tree
    Then Should Contain    ${tree}    ID 2e8a:0005

Should Be Usable While The Emulation Runs
    Given A Pico Running    cdc
    When Start Emulation
    Then The Device Answers GET_STATUS With    00 00
    When The Cable Is Pulled
    And The Cable Is Plugged In
    And The Host Enumerates
    Then The Tree Contains    ID 2e8a:0005
    When Execute Command    sysbus.usb.cdc0 Open
    And Execute Command    pause
    Then The Device Answers GET_STATUS With    00 00

Should Name What Is Not Modelled When Nobody Attaches
    [Documentation]    A timer of the firmware reads a register that there is not, each millisecond.
    Given A Pico Without A Cable    uart
    And The Board Runs    import machine; t = machine.Timer(period=1, callback=lambda t: machine.mem32[0x4000401c])
    And The Cable Is Plugged In
    Then The Host Refuses    Enumerate 0.03125    touched meanwhile: sysbus.syscfg.reserved offset 0x1C read 3

Should Name What Is Not Modelled When A Transfer Times Out
    Given A Pico Running    cdc
    And Create Log Tester    10
    ${line}=    Evaluate    b"import machine; t = machine.Timer(period=1, callback=lambda t: machine.mem32[0x4000401c])\\r".hex(" ")
    When Host Does    BulkOut 0x02 "${line}"
    WHILE    $ANSWER != "TIMEOUT"    limit=20
        Host Does    BulkIn 0x82 64 0.03125
    END
    Then Wait For Log Entry    touched meanwhile: sysbus.syscfg.reserved offset 0x1C read 3

Should Leave The Computer Alone While Nobody Types
    [Documentation]    The monitor's shell, that Renode has without a window or a terminal as well, waits: Linux counts how often a thread
    ...    does so. A shell that goes on and on has some tens of milliseconds of a core for each time.
    ${pid}=    Execute Command    python "from System.Diagnostics import Process; print(Process.GetCurrentProcess().Id)"
    ${pid}=    Strip String    ${pid}
    Skip If    not os.path.isdir("/proc/${pid}/task")    what a thread of another process does is not told here
    Given A Pico Without A Cable    cdc
    ${waits}    ${ticks}=    Waits And Ticks Of The Shell    ${pid}
    WHILE    True    limit=120 seconds
        ${waits_now}    ${ticks_now}=    Waits And Ticks Of The Shell    ${pid}
        IF    $waits_now >= $waits + 100    BREAK
        Sleep    0.1
    END
    Then Should Be True    $ticks_now - $ticks <= 10

*** Keywords ***
Waits And Ticks Of The Shell
    [Documentation]    How often the thread of the monitor's shell has waited by itself, and the hundredths of a second that it has had of a core.
    [Arguments]    ${pid}
    ${files}=    Evaluate    glob.glob("/proc/${pid}/task/*/stat")    modules=glob
    ${shell}=    Evaluate    [file for file in $files if "(Shell thread)" in open(file).read()]
    Length Should Be    ${shell}    1
    ${waits}=    Evaluate    re.search("(?m)^voluntary_ctxt_switches:[^0-9]*([0-9]+)", open($shell[0] + "us").read())[1]    modules=re
    ${ticks}=    Evaluate    sum(map(int, open($shell[0]).read().rpartition(")")[2].split()[11:13]))
    RETURN    ${{ int($waits) }}    ${ticks}

Forget The Revision
    Execute Command    $revision=2
    Test Teardown

The Host Refuses
    [Arguments]    ${command}    ${reason}
    Run Keyword And Expect Error    *${reason}*    Execute Command    ${HOST} ${command}
