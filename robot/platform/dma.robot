*** Settings ***
Documentation    DMA as MicroPython's rp2.DMA drives it.
Resource         ${CURDIR}/../resources/pico_renode.resource

*** Test Cases ***
Should Copy Memory
    Boot Pico
    Run On REPL
    ...    import rp2
    ...    d, source, target = rp2.DMA(), bytes(range(200)), bytearray(200)
    ...    d.config(read=source, write=target, count=50, ctrl=d.pack_ctrl(), trigger=True)
    ...    print(d.active(), target == source, d.count)
    Output Should Be    False True 0

Should Copy Bytes Swapped And Into A Ring
    Boot Pico
    Run On REPL
    ...    import rp2
    ...    d, source, target = rp2.DMA(), bytes(range(8)), bytearray(8)
    ...    d.config(read=source, write=target, count=2, ctrl=d.pack_ctrl(bswap=True), trigger=True); print(list(target))
    ...    d.config(read=source, write=target, count=8, ctrl=d.pack_ctrl(size=0, ring_sel=False, ring_size=2), trigger=True)
    ...    print(all(target[i] == target[i + 4] for i in range(4)))
    Output Should Be    [3, 2, 1, 0, 7, 6, 5, 4]    True

Should Interrupt And Chain
    Boot Pico
    Run On REPL
    ...    import rp2, time
    ...    a, b, seen = rp2.DMA(), rp2.DMA(), []
    ...    source, target = bytes(range(16)), bytearray(16)
    ...    b.irq(lambda d: seen.append(d.channel))
    ...    b.config(read=source[8:], write=memoryview(target)[8:], count=2, ctrl=b.pack_ctrl(irq_quiet=False), trigger=False)
    ...    a.config(read=source, write=target, count=2, ctrl=a.pack_ctrl(chain_to=b.channel), trigger=True)
    ...    time.sleep_ms(1); print(target == source, seen == [b.channel])
    Output Should Be    True True
