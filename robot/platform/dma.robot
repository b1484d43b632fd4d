*** Settings ***
Documentation    DMA as MicroPython's rp2.DMA drives it.
Resource         ${CURDIR}/../resources/pico_${ENGINE}.resource

*** Variables ***
${ENGINE}         renode

*** Test Cases ***
Should Copy Memory
    A Booted Pico
    Run On REPL
    ...    import rp2
    ...    d, source, target = rp2.DMA(), bytes(range(200)), bytearray(200)
    ...    d.config(read=source, write=target, count=50, ctrl=d.pack_ctrl(), trigger=True)
    ...    print(d.active(), target == source, d.count)
    Output Should Be    False True 0

Should Copy Bytes Swapped And Into A Ring
    A Booted Pico
    Run On REPL
    ...    import rp2
    ...    d, source, target = rp2.DMA(), bytes(range(8)), bytearray(8)
    ...    d.config(read=source, write=target, count=2, ctrl=d.pack_ctrl(bswap=True), trigger=True); print(list(target))
    ...    d.config(read=source, write=target, count=8, ctrl=d.pack_ctrl(size=0, ring_sel=False, ring_size=2), trigger=True)
    ...    print(all(target[i] == target[i + 4] for i in range(4)))
    Output Should Be    [3, 2, 1, 0, 7, 6, 5, 4]    True

Should Interrupt And Chain
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    a, b, seen = rp2.DMA(), rp2.DMA(), []
    ...    source, target = bytes(range(16)), bytearray(16)
    ...    b.irq(lambda d: seen.append(d.channel))
    ...    b.config(read=source[8:], write=memoryview(target)[8:], count=2, ctrl=b.pack_ctrl(irq_quiet=False), trigger=False)
    ...    a.config(read=source, write=target, count=2, ctrl=a.pack_ctrl(chain_to=b.channel), trigger=True)
    ...    time.sleep_ms(1); print(target == source, seen == [b.channel])
    Output Should Be    True True

Should Chain Two Channels To Each Other Without End
    [Documentation]    As audio does it, unpaced, and with a peripheral that takes no more than it has room for.
    [Tags]    row:P7.dma-chains    row:P7.dma-rings
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    s = bytearray(64)
    ...    def ring(target, request):
    ...    \ \ a, b = rp2.DMA(), rp2.DMA()
    ...    \ \ a.config(read=s, write=target, count=16, ctrl=a.pack_ctrl(treq_sel=request, chain_to=b.channel, inc_read=False, inc_write=False))
    ...    \ \ b.config(read=s, write=target, count=16, ctrl=b.pack_ctrl(treq_sel=request, chain_to=a.channel, inc_read=False, inc_write=False), trigger=True)
    ...    \ \ time.sleep_ms(2); going = any(a.active() for _ in range(50)) and any(b.active() for _ in range(50)); a.close(); b.close()
    ...    \ \ return going
    ...    \
    ...    print(ring(bytearray(4), 0x3f), ring(0x50200010, 0x3f))
    Output Should Be    True True
    Wait For REPL
    On REPL    ring(0x50200010, 0); print('alive')    alive

Should Program Channels From Control Blocks
    [Documentation]    A channel loads another one's registers, which chains back, until a null trigger.
    [Tags]    row:P7.dma-chains
    A Booted Pico
    Run On REPL
    ...    import rp2, time, array, uctypes
    ...    parts, target = [b"two ", b"DMA ", b"channels"], bytearray(16)
    ...    blocks = array.array("I", sum(([len(p), uctypes.addressof(p)] for p in parts), []) + [0, 0])
    ...    a, b = rp2.DMA(), rp2.DMA()
    ...    b.config(read=0, write=target, count=0, ctrl=b.pack_ctrl(size=0, chain_to=a.channel))
    ...    a.config(read=blocks, write=b.registers[14:16], count=2, ctrl=a.pack_ctrl(ring_sel=True, ring_size=3), trigger=True)
    ...    time.sleep_ms(1); print(target)
    Output Should Be    bytearray(b'two DMA channels')

Should Pace By A Timer
    [Documentation]    125 MHz * 1 / 12500 is 10 kHz: 100 transfers in 10 ms.
    [Tags]    row:P7.dma-timers    row:P12.dma
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    from machine import mem32
    ...    mem32[0x50000420] = 1 << 16 | 12500
    ...    d, source, target = rp2.DMA(), bytes(range(100)), bytearray(100)
    ...    d.config(read=source, write=target, count=100, ctrl=d.pack_ctrl(size=0, treq_sel=0x3b))
    ...    def measure():
    ...    \ \ t = time.ticks_us(); d.active(1)
    ...    \ \ while d.active(): pass
    ...    \ \ return time.ticks_diff(time.ticks_us(), t)
    ...    \
    ...    t = measure(); print(target == source, 9980 < t < 10080)
    Output Should Be    True True

Should Take A Cycle For A Transfer
    [Documentation]    16384 words at 125 MHz are 131 us.
    [Tags]    row:P12.dma
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    d, target = rp2.DMA(), bytearray(4)
    ...    d.config(read=bytes(4), write=target, count=65536, ctrl=d.pack_ctrl(inc_read=False, inc_write=False))
    ...    def measure():
    ...    \ \ t = time.ticks_us(); d.active(1)
    ...    \ \ while d.active(): pass
    ...    \ \ return time.ticks_diff(time.ticks_us(), t)
    ...    \
    ...    print(524 < measure() < 560)
    Output Should Be    True

Should Sniff Checksums
    [Tags]    row:P7.dma-sniffer
    A Booted Pico
    Run On REPL
    ...    import rp2, binascii
    ...    from machine import mem32
    ...    d, source, target = rp2.DMA(), b"The quick brown fox jumps over the lazy dog.", bytearray(44)
    ...    def sniff(calc, seed, out=0):
    ...    \ \ mem32[0x50000438] = seed; mem32[0x50000434] = 1 | d.channel << 1 | calc << 5 | out << 10
    ...    \ \ d.config(read=source, write=target, count=44, ctrl=d.pack_ctrl(size=0, sniff_en=True), trigger=True)
    ...    \ \ while d.active(): pass
    ...    \ \ return mem32[0x50000438] & 0xffffffff
    ...    \
    ...    print(sniff(1, 0xffffffff, 3) == binascii.crc32(source), hex(sniff(2, 0xffff)), sniff(15, 0) == sum(source), sniff(14, 0))
    Output Should Be    True 0x78cb True 1
    Wait For REPL
    On REPL    print(hex(sniff(0, 0xffffffff)), hex(sniff(3, 0xffff, 1)))    0x5408d342 0x19a50000

Should Abort What Nobody Requests
    [Tags]    row:P7.dma-abort
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    from machine import mem32
    ...    d, target = rp2.DMA(), bytearray(8)
    ...    d.config(read=b"abcd", write=target, count=2, ctrl=d.pack_ctrl(treq_sel=0x3e, inc_read=False), trigger=True)
    ...    time.sleep_ms(1); a = d.active(); mem32[0x50000444] = 1 << d.channel; print(a, d.active(), mem32[0x50000444], d.count, target)
    Output Should Be    True False 0 0 bytearray(b'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00')
    Wait For REPL
    Run On REPL    d.config(count=2, ctrl=d.pack_ctrl(inc_read=False), trigger=True)    print(d.active(), target)
    Output Should Be    False bytearray(b'abcdabcd')

Should Report Bus Errors
    [Tags]    row:P7.dma-errors
    A Booted Pico
    Run On REPL
    ...    import rp2, time
    ...    d, seen = rp2.DMA(), []
    ...    d.irq(lambda d: seen.append(1))
    ...    def copy(source, target):
    ...    \ \ d.config(read=source, write=target, count=4, ctrl=d.pack_ctrl() | 0x60000000, trigger=True); time.sleep_ms(1)
    ...    \ \ c = d.unpack_ctrl(d.ctrl); return c["busy"], c["read_err"], c["write_err"], c["ahb_err"]
    ...    \
    ...    print(copy(0x60000000, bytearray(16)), copy(bytes(16), 0x60000000), copy(bytes(16), bytearray(16)), len(seen))
    Output Should Be    (0, 1, 0, 1) (0, 0, 1, 1) (0, 0, 0, 0) 2
