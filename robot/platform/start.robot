*** Settings ***
Documentation    The chip starts at the boot ROM's reset vector, with images as they are released.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Start At The Reset Vector Of The Boot ROM
    [Tags]    row:P1.reset-vector
    Create Pico
    The Core Begins At    0xEF    stack=0x20041F00

Should Run The Second Stage Of The Image
    [Documentation]    The boot ROM copies the first 252 bytes of the flash to the top of memory, checks their sum and runs them.
    [Tags]    row:P1.second-stage
    Create Pico
    It Is Noted Who Comes By    0x20041F00
    The Emulation Runs For    0.01
    A Core Has Come By    0x20041F00

Should Stay In The Boot ROM When There Is No Second Stage
    [Tags]    row:P1.second-stage
    Create Pico
    The Flash Is Erased
    It Is Noted Who Comes By    0x20041F00
    The Emulation Runs For    0.1
    No Core Has Come By    0x20041F00
    The Core Is At    0    0x4000

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
    Boot Pico    cores=2
    On REPL    import sys; print(sys.platform)    rp2

Should Read The Same Program From Each Window Of The Flash
    Boot Pico
    On REPL    from machine import mem32; print(mem32[0x10000100] == mem32[0x11000100] == mem32[0x12000100] == mem32[0x13000100])    True

Should Run The Same Way Each Time
    ${first}=    Instructions Of A Run
    The Power Is Cut
    ${second}=    Instructions Of A Run
    Should Be Equal    ${first}    ${second}

Should Run Two Boards In One Emulation
    Boot Pico    name=left
    On REPL    print("I am left")    I am left
    Boot Pico    name=right
    On REPL    print("I am right")    I am right

Should Continue From A Saved State
    Boot Pico    cores=2
    Run On REPL    answer = 42
    Wait For REPL
    The Board Is Remembered
    Run On REPL    answer = 43
    Wait For REPL
    The Board Is As Remembered
    On REPL    print(answer)    42

*** Keywords ***
Instructions Of A Run
    Create Pico    cores=2
    The Emulation Runs For    0.05
    ${count}=    Executed Instructions
    RETURN    ${count}
