*** Settings ***
Documentation    What cannot work is refused at once, with the reason.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Refuse A Missing Firmware
    Creating A Pico Fails    there is no file|no such file    firmware=/nowhere/firmware.uf2

Should Refuse A Missing Platform
    The Embedded Engine Lacks    platform descriptions
    Creating A Pico Fails    \\$platform: there is no file    platform=/nowhere/board.repl

Should Refuse An Image For Another Chip
    ${image}=    The Firmware For Family    b"\\x00\\xff\\x8b\\xe4"
    Creating A Pico Fails    for another chip    firmware=${image}

Should Refuse A Truncated Image
    ${whole}=    Evaluate    pathlib.Path($UART_FIRMWARE).read_bytes()    modules=pathlib
    ${image}=    Set Variable    ${TEMPDIR}/truncated-${{ os.getpid() }}.uf2
    Evaluate    pathlib.Path($image).write_bytes($whole[:5 * 512])    modules=pathlib
    Creating A Pico Fails    truncated    firmware=${image}

Should Refuse An Empty Image
    ${image}=    Set Variable    ${TEMPDIR}/empty-${{ os.getpid() }}.uf2
    Evaluate    pathlib.Path($image).write_bytes(b"")    modules=pathlib
    Creating A Pico Fails    the file is empty    firmware=${image}

Should Refuse What Is No UF2 By Its Name
    ${image}=    Set Variable    ${TEMPDIR}/text-${{ os.getpid() }}.uf2
    Evaluate    pathlib.Path($image).write_text("hello")    modules=pathlib
    Creating A Pico Fails    it is not what its name says|not a UF2 file    firmware=${image}

Should Refuse A Second Board Of The Same Name
    Create Pico
    Creating A Pico Fails    'pico' already

Should Refuse A Revision That Never Was
    Creating A Pico Fails    here is no revision    revision=B3

*** Keywords ***
Creating A Pico Fails
    [Arguments]    ${reason}    &{how}
    Run Keyword And Expect Error    REGEXP:(?s).*(${reason}).*    Create Pico    &{how}

The Firmware For Family
    [Documentation]    The firmware with another family in each of its blocks: a block alone would be passed over.
    [Arguments]    ${bytes}
    ${image}=    Set Variable    ${TEMPDIR}/changed-${{ os.getpid() }}.uf2
    ${whole}=    Evaluate    pathlib.Path($UART_FIRMWARE).read_bytes()    modules=pathlib
    ${new}=    Evaluate    $whole.replace(b"\\x56\\xff\\x8b\\xe4", ${bytes})
    Evaluate    pathlib.Path($image).write_bytes($new)    modules=pathlib
    RETURN    ${image}
