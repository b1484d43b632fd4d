*** Settings ***
Documentation    The chip starts at the boot ROM's reset vector, with images as they are released.
Resource         ${CURDIR}/../resources/pico_renode.resource

*** Test Cases ***
Should Start At The Reset Vector Of The Boot ROM
    [Tags]    row:P1.reset-vector
    Create Pico
    Create Log Tester    10
    Execute Command    emulation RunFor "0.0001"
    Wait For Log Entry    cpu0: Setting initial values: PC = 0xEF, SP = 0x20041F00
    ${pc}=    Execute Command    sysbus.cpu0 PC
    Should Not Be Equal As Integers    ${pc}    0

Should Run The Second Stage Of The Image
    [Documentation]    The boot ROM copies the first 252 bytes of the flash to the top of memory, checks their sum and runs them.
    [Tags]    row:P1.second-stage
    Create Pico
    Create Log Tester    10
    Execute Command    sysbus.cpu0 AddHook 0x20041F00 "self.InfoLog('the second stage runs')"
    Execute Command    emulation RunFor "0.01"
    Wait For Log Entry    the second stage runs

Should Stay In The Boot ROM When There Is No Second Stage
    [Tags]    row:P1.second-stage
    Create Pico
    Create Log Tester    1
    Execute Command    sysbus.ssi EraseFlash
    Execute Command    sysbus.cpu0 AddHook 0x20041F00 "self.InfoLog('the second stage runs')"
    Execute Command    emulation RunFor "0.1"
    Should Not Be In Log    the second stage runs
    ${pc}=    Execute Command    sysbus.cpu0 PC
    Should Be True    int($pc, 16) < 0x4000

Should Boot A UF2 Image
    [Tags]    row:P1.uf2    row:P6.uart0
    Boot Pico    firmware=${FIRMWARE_DIR}/uart.uf2
    On REPL    import sys; print(sys.platform)    rp2

Should Boot An ELF Image
    [Tags]    row:P1.elf
    Boot Pico    firmware=${FIRMWARE_DIR}/uart.elf
    On REPL    import sys; print(sys.platform)    rp2

Should Boot A Flat Binary
    Boot Pico    firmware=${FIRMWARE_DIR}/uart.bin
    On REPL    import sys; print(sys.platform)    rp2

Should Boot With Both Cores
    Boot Pico    platform=${DUAL_CORE}
    On REPL    import sys; print(sys.platform)    rp2

Should Read The Same Program From Each Window Of The Flash
    Boot Pico
    On REPL    from machine import mem32; print(mem32[0x10000100] == mem32[0x11000100] == mem32[0x12000100] == mem32[0x13000100])    True

Should Run The Same Way Each Time
    ${first}=    Instructions Of A Run
    Execute Command    Clear
    ${second}=    Instructions Of A Run
    Should Be Equal    ${first}    ${second}

Should Run Two Boards In One Emulation
    Boot Pico    name=left
    On REPL    print("I am left")    I am left
    Boot Pico    name=right
    On REPL    print("I am right")    I am right

Should Continue From A Saved State
    ${state}=    Set Variable    ${TEMPDIR}/pico-${{ os.getpid() }}.save
    Boot Pico    platform=${DUAL_CORE}
    Run On REPL    answer = 42
    Wait For REPL
    Execute Command    Save @${state}
    Execute Command    Clear
    Execute Command    Load @${state}
    Execute Command    mach set "pico"
    ${tester}=    Create Terminal Tester    sysbus.uart0    timeout=30    defaultPauseEmulation=true    machine=pico
    Set Test Variable    ${REPL}    ${tester}
    Start Emulation
    On REPL    print(answer)    42

*** Keywords ***
Instructions Of A Run
    Create Pico    platform=${DUAL_CORE}
    Execute Command    emulation RunFor "0.05"
    ${count}=    Execute Command    sysbus.cpu0 ExecutedInstructions
    RETURN    ${count}
