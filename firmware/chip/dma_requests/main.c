// DMA paced by the requests of the blocks that make them (RP2040 datasheet, 2.5.3): each moves data through its block.
#include <string.h>
#include "check.h"
#include "hardware/adc.h"
#include "hardware/dma.h"
#include "hardware/pio.h"
#include "hardware/pwm.h"
#include "hardware/spi.h"
#include "hardware/structs/ioqspi.h"
#include "hardware/structs/ssi.h"
#include "hardware/structs/xip_ctrl.h"
#include "hardware/sync.h"
#include "hardware/uart.h"
#include "pico/bootrom.h"
#include "pico/stdlib.h"

enum { LENGTH = 40 };

static uint8_t source[LENGTH], target[LENGTH];
static uint32_t words[LENGTH], words_back[LENGTH];
static uint sending, receiving;

static void fill(void) {
    for (uint i = 0; i < LENGTH; i++) {
        source[i] = 3 * i + 1;
        words[i] = 0x01020304u * i + 7;
    }
    memset(target, 0, sizeof target);
    memset(words_back, 0, sizeof words_back);
}

// Wait for a channel, but not for ever: a request that does not come ends in an abort.
static bool finished(uint channel) {
    absolute_time_t limit = make_timeout_time_ms(50);
    while (dma_channel_is_busy(channel)) {
        if (time_reached(limit)) {
            dma_channel_abort(channel);
            return false;
        }
    }
    return true;
}

static void send(uint request, enum dma_channel_transfer_size size, volatile void *to, const void *from, uint count) {
    dma_channel_config c = dma_channel_get_default_config(sending);
    channel_config_set_transfer_data_size(&c, size);
    channel_config_set_dreq(&c, request);
    dma_channel_configure(sending, &c, to, from, count, true);
}

static void receive(uint request, enum dma_channel_transfer_size size, void *to, const volatile void *from, uint count) {
    dma_channel_config c = dma_channel_get_default_config(receiving);
    channel_config_set_transfer_data_size(&c, size);
    channel_config_set_dreq(&c, request);
    channel_config_set_read_increment(&c, false);
    channel_config_set_write_increment(&c, true);
    dma_channel_configure(receiving, &c, to, from, count, true);
}

static void say(const char *block, uint number, bool sent, bool received, bool right) {
    char line[40];
    snprintf(line, sizeof line, "%s%u sends", block, number);
    check(line, sent);
    snprintf(line, sizeof line, "%s%u receives", block, number);
    check(line, received && right);
}

static void uarts(uart_inst_t *uart) {
    fill();
    uart_init(uart, 1000000);
    stdio_flush();
    uart_tx_wait_blocking(uart);
    hw_set_bits(&uart_get_hw(uart)->cr, UART_UARTCR_LBE_BITS);
    receive(uart_get_dreq(uart, false), DMA_SIZE_8, target, &uart_get_hw(uart)->dr, LENGTH);
    send(uart_get_dreq(uart, true), DMA_SIZE_8, &uart_get_hw(uart)->dr, source, LENGTH);
    bool sent = finished(sending), received = finished(receiving);
    hw_clear_bits(&uart_get_hw(uart)->cr, UART_UARTCR_LBE_BITS);
    if (uart == uart_default) {
        uart_init(uart, PICO_DEFAULT_UART_BAUD_RATE);
    }
    say("uart", uart_get_index(uart), sent, received, !memcmp(source, target, LENGTH));
}

static void spis(spi_inst_t *spi) {
    fill();
    spi_init(spi, 4000000);
    hw_set_bits(&spi_get_hw(spi)->cr1, SPI_SSPCR1_LBM_BITS);
    receive(spi_get_dreq(spi, false), DMA_SIZE_8, target, &spi_get_hw(spi)->dr, LENGTH);
    send(spi_get_dreq(spi, true), DMA_SIZE_8, &spi_get_hw(spi)->dr, source, LENGTH);
    bool sent = finished(sending), received = finished(receiving);
    say("spi", spi_get_index(spi), sent, received, !memcmp(source, target, LENGTH));
    spi_deinit(spi);
}

// pull; mov isr, ~osr; push: what goes in comes out inverted.
static void pios(PIO pio) {
    const uint16_t code[] = {pio_encode_pull(false, true), pio_encode_mov_not(pio_isr, pio_osr), pio_encode_push(false, true)};
    const pio_program_t program = {.instructions = code, .length = count_of(code), .origin = -1};
    uint offset = pio_add_program(pio, &program);
    for (uint sm = 0; sm < 4; sm++) {
        fill();
        pio_sm_config c = pio_get_default_sm_config();
        sm_config_set_wrap(&c, offset, offset + count_of(code) - 1);
        pio_sm_init(pio, sm, offset, &c);
        pio_sm_set_enabled(pio, sm, true);
        receive(pio_get_dreq(pio, sm, false), DMA_SIZE_32, words_back, &pio->rxf[sm], LENGTH);
        send(pio_get_dreq(pio, sm, true), DMA_SIZE_32, &pio->txf[sm], words, LENGTH);
        bool sent = finished(sending), received = finished(receiving), right = true;
        for (uint i = 0; i < LENGTH; i++) {
            right = right && words_back[i] == ~words[i];
        }
        say(pio == pio0 ? "pio0." : "pio1.", sm, sent, received, right);
        pio_sm_set_enabled(pio, sm, false);
    }
    pio_remove_program(pio, &program, offset);
}

static void pwms(void) {
    for (uint slice = 0; slice < 8; slice++) {
        fill();
        pwm_config c = pwm_get_default_config();
        pwm_config_set_wrap(&c, 1249); // 100 kHz
        pwm_init(slice, &c, true);
        absolute_time_t start = get_absolute_time();
        send(pwm_get_dreq(slice), DMA_SIZE_8, target, source, LENGTH);
        bool sent = finished(sending);
        int64_t took = absolute_time_diff_us(start, get_absolute_time());
        pwm_set_enabled(slice, false);
        char line[20];
        snprintf(line, sizeof line, "pwm%u wraps", slice);
        check(line, sent && took >= 10 * (LENGTH - 1) && took <= 10 * (LENGTH + 1) + 5);
    }
}

static void converter(void) {
    uint16_t samples[8] = {0};
    adc_init();
    adc_set_temp_sensor_enabled(true);
    adc_select_input(4);
    adc_fifo_setup(true, true, 1, false, false);
    adc_run(true);
    receive(DREQ_ADC, DMA_SIZE_16, samples, &adc_hw->fifo, count_of(samples));
    bool received = finished(receiving), right = true;
    adc_run(false);
    adc_fifo_drain();
    for (uint i = 0; i < count_of(samples); i++) {
        right = right && samples[i] > 500 && samples[i] < 1200;
    }
    check("adc", received && right);
}

// Execute-in-place can be asked to fetch a stretch of flash beside what the processors do (2.6.3.3).
static void stream(void) {
    fill();
    const uint32_t *flash = (const uint32_t *)(XIP_NOCACHE_NOALLOC_BASE + 0x100);
    while (!(xip_ctrl_hw->stat & XIP_STAT_FIFO_EMPTY)) {
        (void)xip_ctrl_hw->stream_fifo;
    }
    xip_ctrl_hw->stream_addr = (uintptr_t)flash;
    xip_ctrl_hw->stream_ctr = LENGTH;
    receive(DREQ_XIP_STREAM, DMA_SIZE_32, words_back, (const void *)XIP_AUX_BASE, LENGTH);
    check("xip stream", finished(receiving) && !memcmp(words_back, flash, sizeof words_back));
}

// The flash by its serial interface, from memory of the chip's own: meanwhile there is no execute-in-place (4.10).
#define IN_SRAM(name) __no_inline_not_in_flash_func(name)

static bool IN_SRAM(ended)(uint32_t channels) {
    for (volatile uint32_t turns = 0; turns < 20000; turns++) {
        bool busy = false;
        for (uint i = 0; i < NUM_DMA_CHANNELS; i++) {
            busy |= (channels >> i & 1) && (dma_hw->ch[i].ctrl_trig & DMA_CH0_CTRL_TRIG_BUSY_BITS);
        }
        if (!busy) {
            return true;
        }
    }
    dma_hw->abort = channels;
    return false;
}

static void IN_SRAM(requests)(uint frames, uint32_t bits) {
    ssi_hw->ssienr = 0;
    ssi_hw->ctrlr1 = frames - 1;
    ssi_hw->dmacr = bits;
    ssi_hw->ssienr = 1;
}

// A read of the form that execute-in-place has, of more than one word; their bytes come the other way round.
static bool IN_SRAM(read_frames)(uint32_t offset) {
    requests(LENGTH, SSI_DMACR_RDMAE_BITS);
    dma_channel_hw_t *channel = &dma_hw->ch[receiving];
    channel->read_addr = (uintptr_t)&ssi_hw->dr0;
    channel->write_addr = (uintptr_t)words_back;
    channel->transfer_count = LENGTH;
    channel->ctrl_trig = DMA_CH0_CTRL_TRIG_EN_BITS | DMA_CH0_CTRL_TRIG_BSWAP_BITS | DMA_CH0_CTRL_TRIG_INCR_WRITE_BITS
                         | DMA_SIZE_32 << DMA_CH0_CTRL_TRIG_DATA_SIZE_LSB | DREQ_XIP_SSIRX << DMA_CH0_CTRL_TRIG_TREQ_SEL_LSB
                         | receiving << DMA_CH0_CTRL_TRIG_CHAIN_TO_LSB;
    ssi_hw->dr0 = offset << 8 | 0xA0; // the mode in which no instruction is sent
    bool good = ended(1u << receiving);
    requests(1, 0);
    return good;
}

// The same bytes by a serial command: both directions by DMA.
static bool IN_SRAM(read_serially)(uint8_t *command, uint8_t *answer, uint length, void (*enter)(void)) {
    rom_connect_internal_flash_fn connect = (rom_connect_internal_flash_fn)rom_func_lookup_inline(ROM_FUNC_CONNECT_INTERNAL_FLASH);
    rom_flash_exit_xip_fn leave = (rom_flash_exit_xip_fn)rom_func_lookup_inline(ROM_FUNC_FLASH_EXIT_XIP);
    rom_flash_flush_cache_fn flush = (rom_flash_flush_cache_fn)rom_func_lookup_inline(ROM_FUNC_FLASH_FLUSH_CACHE);
    __compiler_memory_barrier();
    connect();
    leave();
    requests(1, SSI_DMACR_RDMAE_BITS | SSI_DMACR_TDMAE_BITS);
    ssi_hw->dmatdlr = 4;
    hw_write_masked(&ioqspi_hw->io[1].ctrl, IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_VALUE_LOW << IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_LSB,
                    IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_BITS);
    dma_channel_hw_t *in = &dma_hw->ch[receiving], *out = &dma_hw->ch[sending];
    in->read_addr = out->write_addr = (uintptr_t)&ssi_hw->dr0;
    in->write_addr = (uintptr_t)answer;
    out->read_addr = (uintptr_t)command;
    in->transfer_count = out->transfer_count = length;
    in->ctrl_trig = DMA_CH0_CTRL_TRIG_EN_BITS | DMA_CH0_CTRL_TRIG_INCR_WRITE_BITS
                    | DREQ_XIP_SSIRX << DMA_CH0_CTRL_TRIG_TREQ_SEL_LSB | receiving << DMA_CH0_CTRL_TRIG_CHAIN_TO_LSB;
    out->ctrl_trig = DMA_CH0_CTRL_TRIG_EN_BITS | DMA_CH0_CTRL_TRIG_INCR_READ_BITS
                     | DREQ_XIP_SSITX << DMA_CH0_CTRL_TRIG_TREQ_SEL_LSB | sending << DMA_CH0_CTRL_TRIG_CHAIN_TO_LSB;
    bool good = ended(1u << receiving | 1u << sending);
    hw_write_masked(&ioqspi_hw->io[1].ctrl, IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_VALUE_HIGH << IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_LSB,
                    IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_BITS);
    requests(1, 0);
    flush();
    enter();
    return good;
}

static void serial_interface(void) {
    static uint32_t second_stage[64];
    static uint8_t command[4 + LENGTH], answer[4 + LENGTH];
    const uint32_t offset = 0x1000;
    const uint8_t *flash = (const uint8_t *)(XIP_NOCACHE_NOALLOC_BASE + offset);
    memcpy(second_stage, (const void *)XIP_BASE, sizeof second_stage);
    command[0] = 0x03;
    command[1] = offset >> 16;
    command[2] = offset >> 8;
    command[3] = offset & 0xFF;
    memset(answer, 0, sizeof answer);
    fill();
    uint32_t mask = save_and_disable_interrupts();
    bool received = read_frames(offset);
    bool sent = read_serially(command, answer, sizeof answer, (void (*)(void))((uintptr_t)second_stage | 1));
    restore_interrupts(mask);
    check("ssi receives", received && !memcmp(words_back, flash, sizeof words_back));
    check("ssi sends", sent && !memcmp(answer + 4, flash, LENGTH));
}

int main(void) {
    stdio_init_all();
    sending = dma_claim_unused_channel(true);
    receiving = dma_claim_unused_channel(true);
    uarts(uart1);
    uarts(uart0);
    spis(spi0);
    spis(spi1);
    pwms();
    converter();
    stream();
    serial_interface();
    pios(pio0);
    pios(pio1);
    finish();
}
