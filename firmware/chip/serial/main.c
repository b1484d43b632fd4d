// SPI, I2C, UART, ADC and flash as the pico-sdk uses them: each check says its name and what it found. The suites in
// robot/platform attach spi1 to spi0 (selected by GPIO17) and i2c1 to i2c0, each as the other's slave.
#include <stdio.h>
#include <string.h>
#include "hardware/adc.h"
#include "hardware/clocks.h"
#include "hardware/dma.h"
#include "hardware/flash.h"
#include "hardware/i2c.h"
#include "hardware/irq.h"
#include "hardware/spi.h"
#include "hardware/sync.h"
#include "hardware/uart.h"
#include "pico/stdlib.h"

static void say(const char *name, bool good) {
    printf("%s: %s\n", name, good ? "ok" : "WRONG");
}

static void say_hex(const char *name, uint32_t value) {
    printf("%s: 0x%lx\n", name, (unsigned long)value);
}

static uint32_t since(uint32_t start) {
    return time_us_32() - start;
}

// SPI

static void spi_pins(uint first) {
    for (uint pin = first; pin < first + 4; pin++) {
        gpio_set_function(pin, GPIO_FUNC_SPI);
    }
}

static void spi_sizes(void) {
    bool good = true;
    spi_init(spi0, 4000000);
    hw_set_bits(&spi_get_hw(spi0)->cr1, SPI_SSPCR1_LBM_BITS);
    for (uint bits = 4; bits <= 16; bits++) {
        uint16_t out[20], in[20];
        uint16_t mask = (uint16_t)((1u << bits) - 1);
        spi_set_format(spi0, bits, SPI_CPOL_0, bits % 2 ? SPI_CPHA_0 : SPI_CPHA_1, SPI_MSB_FIRST);
        for (uint i = 0; i < 20; i++) {
            out[i] = (uint16_t)(i * 40503u + bits);
        }
        spi_write16_read16_blocking(spi0, out, in, 20);
        for (uint i = 0; i < 20; i++) {
            good &= in[i] == (out[i] & mask);
        }
    }
    say("spi loop back, 4 to 16 bits", good);
}

static void spi_interrupts(void) {
    spi_hw_t *hw = spi_get_hw(spi0);
    spi_init(spi0, 1000000);
    hw_set_bits(&hw->cr1, SPI_SSPCR1_LBM_BITS);
    bool good = hw->ris == SPI_SSPRIS_TXRIS_BITS;
    uint32_t start = time_us_32();
    hw->dr = 0x55;
    while (spi_is_busy(spi0)) {
    }
    good &= (hw->ris & SPI_SSPRIS_RTRIS_BITS) == 0;
    while (!(hw->ris & SPI_SSPRIS_RTRIS_BITS) && since(start) < 1000) {
    }
    uint32_t timeout = since(start);  // 41.3: 9 bits of a frame by itself and 32 of silence, of 1.008 us
    good &= timeout >= 41 && timeout <= 45;
    hw->icr = SPI_SSPICR_RTIC_BITS;
    good &= (hw->ris & SPI_SSPRIS_RTRIS_BITS) == 0 && hw->dr == 0x55;
    say("spi receive time-out", good);

    for (int i = 0; i < 4; i++) {
        hw->dr = i;
    }
    busy_wait_us(60);
    good = (hw->ris & (SPI_SSPRIS_RXRIS_BITS | SPI_SSPRIS_RORRIS_BITS)) == SPI_SSPRIS_RXRIS_BITS;
    for (int i = 4; i < 10; i++) {
        hw->dr = i;
    }
    busy_wait_us(100);
    good &= (hw->ris & SPI_SSPRIS_RORRIS_BITS) != 0 && (hw->sr & SPI_SSPSR_RFF_BITS) != 0;
    hw->icr = SPI_SSPICR_RORIC_BITS;
    good &= (hw->ris & SPI_SSPRIS_RORRIS_BITS) == 0;
    for (uint32_t i = 0; i < 8; i++) {
        good &= hw->dr == i;
    }
    good &= (hw->sr & SPI_SSPSR_RNE_BITS) == 0 && hw->dr == 0;
    say("spi levels and overrun", good);
}

static void spi_requests(void) {
    static uint8_t out[300], in[300];
    for (uint i = 0; i < sizeof out; i++) {
        out[i] = (uint8_t)(i * 7);
    }
    spi_init(spi0, 2000000);
    spi_set_format(spi0, 8, SPI_CPOL_0, SPI_CPHA_1, SPI_MSB_FIRST);
    hw_set_bits(&spi_get_hw(spi0)->cr1, SPI_SSPCR1_LBM_BITS);
    uint tx = dma_claim_unused_channel(true), rx = dma_claim_unused_channel(true);
    dma_channel_config c = dma_channel_get_default_config(tx);
    channel_config_set_transfer_data_size(&c, DMA_SIZE_8);
    channel_config_set_dreq(&c, DREQ_SPI0_TX);
    dma_channel_configure(tx, &c, &spi_get_hw(spi0)->dr, out, sizeof out, false);
    c = dma_channel_get_default_config(rx);
    channel_config_set_transfer_data_size(&c, DMA_SIZE_8);
    channel_config_set_dreq(&c, DREQ_SPI0_RX);
    channel_config_set_read_increment(&c, false);
    channel_config_set_write_increment(&c, true);
    dma_channel_configure(rx, &c, in, &spi_get_hw(spi0)->dr, sizeof in, false);
    uint32_t start = time_us_32();
    dma_start_channel_mask(1u << tx | 1u << rx);
    dma_channel_wait_for_finish_blocking(rx);
    uint32_t took = since(start);  // 300 * 8 bits at 1.953 MHz
    dma_channel_unclaim(tx);
    dma_channel_unclaim(rx);
    say("spi data requests", memcmp(out, in, sizeof out) == 0 && took >= 1226 && took <= 1235);
}

static uint32_t spi_time(spi_cpha_t phase) {
    spi_set_format(spi0, 8, SPI_CPOL_0, phase, SPI_MSB_FIRST);
    static uint8_t bytes[100];
    uint32_t start = time_us_32();
    spi_write_blocking(spi0, bytes, sizeof bytes);
    return since(start);
}

// Four frames of 12 bits, looped back: how long they take, and whether they are as they were.
static bool spi_frames(uint32_t format, uint32_t *took) {
    spi_hw_t *hw = spi_get_hw(spi0);
    spi_init(spi0, 1000000);
    spi_set_format(spi0, 12, SPI_CPOL_0, SPI_CPHA_0, SPI_MSB_FIRST);
    hw->cr0 = (hw->cr0 & ~SPI_SSPCR0_FRF_BITS) | format << SPI_SSPCR0_FRF_LSB;
    hw_set_bits(&hw->cr1, SPI_SSPCR1_LBM_BITS);
    uint32_t start = time_us_32();
    for (uint32_t i = 0; i < 4; i++) {
        hw->dr = 0xA00 + i;
    }
    while (spi_is_busy(spi0)) {
    }
    *took = since(start);
    bool good = true;
    for (uint32_t i = 0; i < 4; i++) {
        good &= hw->dr == 0xA00 + i;
    }
    return good;
}

static void spi_formats(void) {
    uint32_t motorola, ti, microwire;
    bool good = spi_frames(0, &motorola) && spi_frames(1, &ti) && spi_frames(2, &microwire);
    say("spi frames of each format", good);
    printf("spi time of 4 frames of 12 bits: %lu Motorola, %lu TI, %lu Microwire\n", (unsigned long)motorola, (unsigned long)ti, (unsigned long)microwire);

    // reading is no activity: the time-out is behind what was received last, and is told once
    spi_hw_t *hw = spi_get_hw(spi0);
    spi_init(spi0, 1000000);
    hw_set_bits(&hw->cr1, SPI_SSPCR1_LBM_BITS);
    hw->dr = 1;
    hw->dr = 2;
    while (spi_is_busy(spi0)) {
    }
    busy_wait_us(25);
    good = hw->dr == 1 && !(hw->ris & SPI_SSPRIS_RTRIS_BITS);
    busy_wait_us(12);
    good &= (hw->ris & SPI_SSPRIS_RTRIS_BITS) != 0;
    hw->icr = SPI_SSPICR_RTIC_BITS;
    busy_wait_us(50);
    good &= (hw->ris & SPI_SSPRIS_RTRIS_BITS) == 0;
    hw->dr = 3;
    while (spi_is_busy(spi0)) {
    }
    busy_wait_us(40);
    good &= (hw->ris & SPI_SSPRIS_RTRIS_BITS) != 0;
    hw->dr = 4; // "or if new data is received" (ARM DDI 0194, 3.4.4)
    while (spi_is_busy(spi0)) {
    }
    say("spi receive time-out of what is left", good && (hw->ris & SPI_SSPRIS_RTRIS_BITS) == 0);
    spi_deinit(spi0);
}

static void spi_times(void) {
    spi_init(spi0, 1000000);
    printf("spi time of 100 bytes at 1 MHz: %lu with CPHA 1, %lu with CPHA 0\n", (unsigned long)spi_time(SPI_CPHA_1), (unsigned long)spi_time(SPI_CPHA_0));
    clock_configure(clk_peri, 0, CLOCKS_CLK_PERI_CTRL_AUXSRC_VALUE_CLKSRC_PLL_USB, 48000000, 48000000);
    printf("spi time with clk_peri at 48 MHz: %lu\n", (unsigned long)spi_time(SPI_CPHA_1));
    clock_configure(clk_peri, 0, CLOCKS_CLK_PERI_CTRL_AUXSRC_VALUE_CLK_SYS, 125000000, 125000000);
}

static void spi_slave(void) {
    const uint8_t from_slave[8] = "SLAVEspi", from_master[8] = "12345678";
    uint8_t at_master[8], at_slave[8];
    spi_init(spi0, 1000000);
    spi_init(spi1, 1000000);
    spi_set_format(spi0, 8, SPI_CPOL_1, SPI_CPHA_1, SPI_MSB_FIRST);
    spi_set_format(spi1, 8, SPI_CPOL_1, SPI_CPHA_1, SPI_MSB_FIRST);
    spi_set_slave(spi1, true);
    spi_pins(16);
    spi_pins(8);
    for (int i = 0; i < 8; i++) {
        spi_get_hw(spi1)->dr = from_slave[i];
    }
    spi_write_read_blocking(spi0, from_master, at_master, 8);
    for (int i = 0; i < 8; i++) {
        at_slave[i] = (uint8_t)spi_get_hw(spi1)->dr;
    }
    say("spi slave", memcmp(at_master, from_slave, 8) == 0 && memcmp(at_slave, from_master, 8) == 0);
    hw_set_bits(&spi_get_hw(spi1)->cr1, SPI_SSPCR1_SOD_BITS);
    spi_get_hw(spi1)->dr = 0xAA;
    spi_write_read_blocking(spi0, from_master, at_master, 1);
    say("spi slave with its output disabled", at_master[0] == 0 && spi_get_hw(spi1)->dr == '1');
    spi_deinit(spi1);
}

// I2C

enum { SLAVE = 0x42 };
static uint8_t memory[16];
static uint8_t place;
static bool placed;
static volatile uint32_t slave_seen;

static void slave_interrupt(void) {
    i2c_hw_t *hw = i2c_get_hw(i2c1);
    uint32_t status = hw->intr_stat;
    slave_seen |= hw->raw_intr_stat;
    if (status & I2C_IC_INTR_STAT_R_TX_ABRT_BITS) {
        (void)hw->clr_tx_abrt;
    }
    if (status & I2C_IC_INTR_STAT_R_START_DET_BITS) {
        (void)hw->clr_start_det;
        placed = false;
    }
    if (status & I2C_IC_INTR_STAT_R_STOP_DET_BITS) {
        (void)hw->clr_stop_det;
    }
    while (hw->rxflr) {
        uint8_t value = (uint8_t)hw->data_cmd;
        if (placed) {
            memory[place++ % 16] = value;
        } else {
            place = value;
            placed = true;
        }
    }
    if (status & I2C_IC_INTR_STAT_R_RD_REQ_BITS) {
        (void)hw->clr_rd_req;
        hw->data_cmd = memory[place++ % 16];
    }
}

static void i2c_begin(uint baudrate) {
    irq_set_enabled(I2C1_IRQ, false);  // at its reset TX_EMPTY is not masked
    i2c_init(i2c0, baudrate);
    i2c_init(i2c1, baudrate);
    for (uint pin = 4; pin < 8; pin++) {
        gpio_set_function(pin, GPIO_FUNC_I2C);
        gpio_pull_up(pin);
    }
    i2c_set_slave_mode(i2c1, true, SLAVE);
    i2c_get_hw(i2c1)->intr_mask = I2C_IC_INTR_MASK_M_RX_FULL_BITS | I2C_IC_INTR_MASK_M_RD_REQ_BITS | I2C_IC_INTR_MASK_M_TX_ABRT_BITS |
                                  I2C_IC_INTR_MASK_M_STOP_DET_BITS | I2C_IC_INTR_MASK_M_START_DET_BITS;
    irq_set_exclusive_handler(I2C1_IRQ, slave_interrupt);
    irq_set_enabled(I2C1_IRQ, true);
}

static void i2c_slave(void) {
    const uint8_t written[] = {3, 'a', 'b', 'c', 'd'};
    uint8_t from = 3, got[4] = {0};
    i2c_begin(400000);
    bool good = i2c_write_blocking(i2c0, SLAVE, written, 5, false) == 5;
    good &= i2c_write_blocking(i2c0, SLAVE, &from, 1, true) == 1;
    good &= i2c_read_blocking(i2c0, SLAVE, got, 4, false) == 4;
    say("i2c slave written and read", good && memcmp(got, "abcd", 4) == 0 && memcmp(memory + 3, "abcd", 4) == 0);
    say("i2c slave's interrupts", (slave_seen & 0x7A0) == 0x7A0);  // RD_REQ, RX_DONE, ACTIVITY, STOP_DET, START_DET
}

// Writes commands into IC_DATA_CMD, waits for the abort or the STOP, and returns what IC_TX_ABRT_SOURCE said.
static uint32_t i2c_commands(uint32_t con_clear, uint32_t con_set, uint32_t tar, const uint16_t *commands, int count) {
    i2c_hw_t *hw = i2c_get_hw(i2c0);
    hw->enable = 0;
    uint32_t con = hw->con;
    hw->con = (con & ~con_clear) | con_set;
    hw->tar = tar;
    hw->enable = 1;
    (void)hw->clr_intr;
    for (int i = 0; i < count; i++) {
        hw->data_cmd = commands[i];
    }
    uint32_t start = time_us_32();
    while (!(hw->raw_intr_stat & (I2C_IC_RAW_INTR_STAT_TX_ABRT_BITS | I2C_IC_RAW_INTR_STAT_STOP_DET_BITS)) && since(start) < 2000) {
    }
    uint32_t source = hw->tx_abrt_source;
    busy_wait_us(20);
    (void)hw->clr_intr;
    hw->enable = 0;
    (void)hw->clr_intr;
    hw->con = con;
    hw->tar = SLAVE;
    hw->enable = 1;
    (void)hw->clr_intr;
    return source;
}

static void i2c_aborts(void) {
    const uint16_t write[] = {0x11, 0x22, 0x33 | I2C_IC_DATA_CMD_STOP_BITS}, read[] = {I2C_IC_DATA_CMD_CMD_BITS | I2C_IC_DATA_CMD_STOP_BITS};
    uint32_t special = I2C_IC_TAR_SPECIAL_BITS, start_byte = special | I2C_IC_TAR_GC_OR_START_BITS;
    uint32_t ten = I2C_IC_CON_IC_10BITADDR_MASTER_BITS, restart = I2C_IC_CON_IC_RESTART_EN_BITS;
    say_hex("i2c abort: nobody at the address", i2c_commands(0, 0, 0x23, write, 3));
    say_hex("i2c abort: nobody at ten bits", i2c_commands(0, ten, 0x123, write, 3));
    i2c_get_hw(i2c1)->ack_general_call = 0;
    say_hex("i2c abort: general call unanswered", i2c_commands(0, 0, special, write, 3));
    say_hex("i2c abort: general call read", i2c_commands(0, 0, special, read, 1));
    say_hex("i2c abort: START byte without RESTART", i2c_commands(restart, 0, start_byte | SLAVE, write, 3) & 0x1FFFF);
    say_hex("i2c abort: ten bits read without RESTART", i2c_commands(restart, ten, 0x123, read, 1) & 0x1FFFF);
    say_hex("i2c abort: no master", i2c_commands(I2C_IC_CON_MASTER_MODE_BITS, 0, SLAVE, write, 1));
    i2c_get_hw(i2c1)->enable = 0;
    i2c_get_hw(i2c1)->slv_data_nack_only = 1;
    i2c_get_hw(i2c1)->enable = 1;
    say_hex("i2c abort: data unanswered", i2c_commands(0, 0, SLAVE, write, 3));
    i2c_get_hw(i2c1)->enable = 0;
    i2c_get_hw(i2c1)->slv_data_nack_only = 0;
    i2c_get_hw(i2c1)->enable = 1;

    // a slave of ten bits whose address begins the same way, and one that is right
    i2c_get_hw(i2c1)->enable = 0;
    i2c_get_hw(i2c1)->sar = 0x155;
    hw_set_bits(&i2c_get_hw(i2c1)->con, I2C_IC_CON_IC_10BITADDR_SLAVE_BITS);
    i2c_get_hw(i2c1)->enable = 1;
    say_hex("i2c abort: second byte of ten bits", i2c_commands(0, ten, 0x123, write, 3));
    say_hex("i2c ten bits written", i2c_commands(0, ten, 0x155, write, 3));
    say_hex("i2c ten bits read", i2c_commands(0, ten, 0x155, read, 1));
    i2c_begin(400000);

    // a START byte before the address, and RESTART after a disabling that sets a new target
    say_hex("i2c START byte", i2c_commands(0, 0, start_byte | SLAVE, write, 3));
    slave_seen = 0;
    uint8_t one = 1, got;
    bool again = i2c_write_blocking(i2c0, SLAVE, &one, 1, true) == 1 && i2c_read_blocking(i2c0, SLAVE, &got, 1, false) == 1;
    say("i2c restart with a new target", again && (slave_seen & I2C_IC_RAW_INTR_STAT_RESTART_DET_BITS));
    i2c_begin(400000);

    // the master gives up in the middle
    i2c_hw_t *hw = i2c_get_hw(i2c0);
    hw->enable = 0;
    hw->tar = SLAVE;
    hw->enable = 1;
    hw->data_cmd = 1;
    hw->data_cmd = 2;
    hw->data_cmd = 3;
    hw->enable = 1 | I2C_IC_ENABLE_ABORT_BITS;
    bool was_set = (hw->enable & I2C_IC_ENABLE_ABORT_BITS) != 0;
    busy_wait_us(200);
    say_hex("i2c abort: by the user", hw->tx_abrt_source & 0x1FFFF);
    say("i2c abort is done", was_set && !(hw->enable & I2C_IC_ENABLE_ABORT_BITS) && (hw->raw_intr_stat & I2C_IC_RAW_INTR_STAT_STOP_DET_BITS));

    // a slave with old data in its FIFO, and one that asks instead of answering
    i2c_begin(400000);
    irq_set_enabled(I2C1_IRQ, false);
    i2c_hw_t *slave = i2c_get_hw(i2c1);
    slave->data_cmd = 0x99;
    hw->enable = 0;
    hw->tar = SLAVE;
    hw->enable = 1;
    hw->data_cmd = read[0];
    busy_wait_us(60);
    say_hex("i2c abort: slave flushes", slave->tx_abrt_source & 0x1FFFF);
    (void)slave->clr_tx_abrt;
    bool stretched = hw->rxflr == 0 && (slave->raw_intr_stat & I2C_IC_RAW_INTR_STAT_RD_REQ_BITS);
    slave->data_cmd = I2C_IC_DATA_CMD_CMD_BITS;
    say_hex("i2c abort: slave reads", slave->tx_abrt_source & 0x1FFFF);
    (void)slave->clr_tx_abrt;
    slave->data_cmd = 0x5A;
    busy_wait_us(60);
    say("i2c slave stretches the clock", stretched && hw->data_cmd == (0x5A | I2C_IC_DATA_CMD_FIRST_DATA_BYTE_BITS));
    irq_set_enabled(I2C1_IRQ, true);
}

// Commands to the master, bytes from and to the slave, and what the master has read: all by DMA.
static void i2c_requests(void) {
    enum { COUNT = 24 };
    static uint16_t commands[COUNT], sent[COUNT]; // a byte would be on all lanes, the command's bit among them
    static uint8_t at_slave[COUNT], at_master[COUNT];
    i2c_begin(400000);
    irq_set_enabled(I2C1_IRQ, false);
    i2c_hw_t *master = i2c_get_hw(i2c0), *slave = i2c_get_hw(i2c1);
    master->enable = 0;
    master->tar = SLAVE;
    master->enable = 1;
    master->dma_cr = slave->dma_cr = I2C_IC_DMA_CR_TDMAE_BITS | I2C_IC_DMA_CR_RDMAE_BITS;
    master->dma_tdlr = 8;
    uint write = dma_claim_unused_channel(true), read = dma_claim_unused_channel(true), answers = dma_claim_unused_channel(true);
    dma_channel_config to_bus = dma_channel_get_default_config(write), from_bus = dma_channel_get_default_config(read);
    channel_config_set_transfer_data_size(&to_bus, DMA_SIZE_16);
    channel_config_set_dreq(&to_bus, DREQ_I2C0_TX);
    channel_config_set_transfer_data_size(&from_bus, DMA_SIZE_8);
    channel_config_set_read_increment(&from_bus, false);
    channel_config_set_write_increment(&from_bus, true);

    for (uint i = 0; i < COUNT; i++) {
        commands[i] = (uint8_t)(5 * i + 1) | (i == COUNT - 1 ? I2C_IC_DATA_CMD_STOP_BITS : 0);
        sent[i] = (uint8_t)(7 * i + 2);
    }
    channel_config_set_dreq(&from_bus, DREQ_I2C1_RX);
    dma_channel_configure(read, &from_bus, at_slave, &slave->data_cmd, COUNT, true);
    uint32_t start = time_us_32();
    dma_channel_configure(write, &to_bus, &master->data_cmd, commands, COUNT, true);
    while (dma_channel_is_busy(read) && since(start) < 5000) {
    }
    uint32_t took = since(start);  // START, and 25 bytes of nine bits of 2.6 us
    bool good = took > 540 && took < 620;
    for (uint i = 0; i < COUNT; i++) {
        good &= at_slave[i] == (uint8_t)(5 * i + 1);
    }
    say("i2c data requests of writing", good);

    busy_wait_us(20);
    (void)slave->clr_intr;
    for (uint i = 0; i < COUNT; i++) {
        commands[i] = I2C_IC_DATA_CMD_CMD_BITS | (i == COUNT - 1 ? I2C_IC_DATA_CMD_STOP_BITS : 0);
    }
    // what waits for the next reader would be flushed: the slave's bytes follow its being asked
    dma_channel_config to_slave = dma_channel_get_default_config(answers);
    channel_config_set_transfer_data_size(&to_slave, DMA_SIZE_16);
    channel_config_set_dreq(&to_slave, DREQ_I2C1_TX);
    dma_channel_configure(answers, &to_slave, &slave->data_cmd, sent, COUNT, false);
    channel_config_set_dreq(&from_bus, DREQ_I2C0_RX);
    dma_channel_configure(read, &from_bus, at_master, &master->data_cmd, COUNT, true);
    dma_channel_configure(write, &to_bus, &master->data_cmd, commands, COUNT, true);
    start = time_us_32();
    while (!(slave->raw_intr_stat & I2C_IC_RAW_INTR_STAT_RD_REQ_BITS) && since(start) < 1000) {
    }
    dma_channel_start(answers);
    while (dma_channel_is_busy(read) && since(start) < 5000) {
    }
    good = !dma_channel_is_busy(read) && !dma_channel_is_busy(answers);
    for (uint i = 0; i < COUNT; i++) {
        good &= at_master[i] == sent[i];
    }
    say("i2c data requests of reading", good);
    master->dma_cr = slave->dma_cr = 0;
    dma_channel_unclaim(write);
    dma_channel_unclaim(read);
    dma_channel_unclaim(answers);
    i2c_begin(400000);
}

static uint32_t i2c_time(void) {
    uint8_t bytes[10] = {0};
    uint32_t start = time_us_32();
    i2c_write_blocking(i2c0, SLAVE, bytes, sizeof bytes, false);
    return since(start);
}

static void i2c_times(void) {
    i2c_begin(100000);
    printf("i2c time of 10 bytes at 100 kHz: %lu\n", (unsigned long)i2c_time());
    clock_configure(clk_sys, CLOCKS_CLK_SYS_CTRL_SRC_VALUE_CLKSRC_CLK_SYS_AUX, CLOCKS_CLK_SYS_CTRL_AUXSRC_VALUE_CLKSRC_PLL_USB, 48000000, 48000000);
    uint32_t slow = i2c_time();
    clock_configure(clk_sys, CLOCKS_CLK_SYS_CTRL_SRC_VALUE_CLKSRC_CLK_SYS_AUX, CLOCKS_CLK_SYS_CTRL_AUXSRC_VALUE_CLKSRC_PLL_SYS, 125000000, 125000000);
    printf("i2c time with clk_sys at 48 MHz: %lu\n", (unsigned long)slow);
}

// UART1, looped back

static void uart_begin(uint baudrate) {
    uart_init(uart1, baudrate);
    hw_set_bits(&uart_get_hw(uart1)->cr, UART_UARTCR_LBE_BITS);
}

static void uart_checks(void) {
    uart_hw_t *hw = uart_get_hw(uart1);
    uart_begin(115200);
    hw->dr = 'A';
    busy_wait_us(120);
    bool good = hw->dr == 'A' && hw->dr == 0;
    for (int i = 0; i < 34; i++) {
        while (hw->fr & UART_UARTFR_TXFF_BITS) {
        }
        hw->dr = i;
    }
    uart_tx_wait_blocking(uart1);
    busy_wait_us(100);
    good &= (hw->ris & UART_UARTRIS_OERIS_BITS) != 0 && (hw->rsr & UART_UARTRSR_OE_BITS) != 0;
    hw->rsr = 0;
    for (uint32_t i = 0; i < 32; i++) {
        good &= hw->dr == i;
    }
    hw->dr = 'z';
    busy_wait_us(120);
    good &= hw->dr == (UART_UARTDR_OE_BITS | 'z');
    say("uart overrun", good && (hw->rsr & UART_UARTRSR_OE_BITS) == 0);

    uart_begin(115200);
    uart_set_break(uart1, true);
    busy_wait_us(200);
    uart_set_break(uart1, false);
    good = (hw->ris & UART_UARTRIS_BERIS_BITS) != 0 && (hw->dr & 0x4FF) == UART_UARTDR_BE_BITS;
    say("uart break", good && (hw->fr & UART_UARTFR_RXFE_BITS) != 0);

    uart_begin(9600);
    uart_set_format(uart1, 7, 2, UART_PARITY_EVEN);
    hw_set_bits(&hw->cr, UART_UARTCR_LBE_BITS);
    uint32_t start = time_us_32();
    for (int i = 0; i < 10; i++) {
        hw->dr = 0xC0 + i;
    }
    uart_tx_wait_blocking(uart1);
    printf("uart time of 10 characters 7E2 at 9600: %lu\n", (unsigned long)since(start));
    good = true;
    for (uint32_t i = 0; i < 10; i++) {
        good &= hw->dr == 0x40 + i;
    }
    say("uart seven bits", good);

    // the transmit interrupt is for the passage through its level
    uart_begin(115200);
    hw->ifls = 0;
    good = (hw->ris & UART_UARTRIS_TXRIS_BITS) == 0;
    for (int i = 0; i < 8; i++) {
        hw->dr = i;
    }
    good &= (hw->ris & UART_UARTRIS_TXRIS_BITS) == 0;
    busy_wait_us(87 * 3 + 20);
    good &= (hw->ris & UART_UARTRIS_TXRIS_BITS) != 0;
    hw->icr = UART_UARTICR_TXIC_BITS;
    good &= (hw->ris & UART_UARTRIS_TXRIS_BITS) == 0;
    uart_tx_wait_blocking(uart1);
    say("uart transmit interrupt", good && (hw->ris & UART_UARTRIS_TXRIS_BITS) == 0);

    // RTS is CTS here: the sender waits for the receiver
    uart_begin(115200);
    hw->ifls = 0;
    uart_set_hw_flow(uart1, true, true);
    for (int i = 0; i < 12; i++) {
        hw->dr = i;
    }
    busy_wait_us(2000);
    good = (hw->fr & (UART_UARTFR_BUSY_BITS | UART_UARTFR_CTS_BITS)) == UART_UARTFR_BUSY_BITS;
    for (uint32_t i = 0; i < 12; i++) {
        while (!uart_is_readable(uart1)) {
        }
        good &= hw->dr == i;
        busy_wait_us(100);
    }
    say("uart flow control", good && (hw->ris & UART_UARTRIS_OERIS_BITS) == 0);
    uart_deinit(uart1);
}

// ADC

static void adc_checks(void) {
    adc_init();
    adc_gpio_init(26);
    adc_gpio_init(27);
    adc_select_input(0);
    uint32_t start = time_us_32();
    uint32_t sum = 0;
    for (int i = 0; i < 100; i++) {
        sum += adc_read();
    }
    uint32_t took = since(start);
    printf("adc time of 100 conversions: %lu\n", (unsigned long)took);
    adc_set_round_robin(3);
    adc_fifo_setup(true, true, 1, false, true);
    adc_set_clkdiv(480 - 1);
    static uint8_t samples[100];
    uint channel = dma_claim_unused_channel(true);
    dma_channel_config c = dma_channel_get_default_config(channel);
    channel_config_set_transfer_data_size(&c, DMA_SIZE_8);
    channel_config_set_dreq(&c, DREQ_ADC);
    channel_config_set_read_increment(&c, false);
    channel_config_set_write_increment(&c, true);
    dma_channel_configure(channel, &c, samples, &adc_hw->fifo, sizeof samples, true);
    start = time_us_32();
    adc_run(true);
    dma_channel_wait_for_finish_blocking(channel);
    took = since(start);
    adc_run(false);
    dma_channel_unclaim(channel);
    bool good = true;
    for (int i = 0; i < 100; i += 2) {
        good &= samples[i] == 0x80 && samples[i + 1] == 0x40;
    }
    say("adc round robin to memory", good);
    printf("adc time of 100 samples at 100 kHz: %lu\n", (unsigned long)took);
}

// Flash

static void flash_checks(void) {
    static uint8_t page[FLASH_PAGE_SIZE];
    memset(page, 0x5A, sizeof page);
    uint32_t interrupts = save_and_disable_interrupts();
    uint32_t start = time_us_32();
    flash_range_erase(0x1F0000, FLASH_SECTOR_SIZE);
    uint32_t erased = since(start);
    start = time_us_32();
    flash_range_program(0x1F0000, page, sizeof page);
    uint32_t programmed = since(start);
    start = time_us_32();
    flash_range_erase(0x1E0000, FLASH_BLOCK_SIZE);
    uint32_t block = since(start);
    restore_interrupts(interrupts);
    printf("flash time: sector %lu ms, page %lu us, block %lu ms\n", (unsigned long)erased / 1000, (unsigned long)programmed, (unsigned long)block / 1000);
    say("flash holds it", memcmp((void *)(XIP_BASE + 0x1F0000), page, sizeof page) == 0);
}

int main(void) {
    stdio_init_all();
    spi_sizes();
    spi_interrupts();
    spi_requests();
    spi_formats();
    spi_times();
    spi_slave();
    i2c_slave();
    i2c_aborts();
    i2c_requests();
    i2c_times();
    uart_checks();
    adc_checks();
    flash_checks();
    printf("done\n");
    while (true) {
        __wfi();
    }
}
