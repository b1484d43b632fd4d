// A headset (USB Audio 2.0) by TinyUSB's driver. The microphone gives 0, 1, 2, … until something was played, then what was played, from
// its beginning, again and again.
#include "usb_device.h"

enum { CONTROL, SPEAKER, MICROPHONE, INTERFACES };
enum { CLOCK = 0x10, IN_USB = 0x01, FEATURE = 0x02, OUT_SPEAKER = 0x03, IN_MICROPHONE = 0x04, OUT_USB = 0x05 };

#define UNITS (TUD_AUDIO_DESC_CLK_SRC_LEN + 2 * TUD_AUDIO_DESC_INPUT_TERM_LEN + TUD_AUDIO_DESC_FEATURE_UNIT_ONE_CHANNEL_LEN + 2 * TUD_AUDIO_DESC_OUTPUT_TERM_LEN)
#define STREAM (2 * TUD_AUDIO_DESC_STD_AS_INT_LEN + TUD_AUDIO_DESC_CS_AS_INT_LEN + TUD_AUDIO_DESC_TYPE_I_FORMAT_LEN + TUD_AUDIO_DESC_STD_AS_ISO_EP_LEN + TUD_AUDIO_DESC_CS_AS_ISO_EP_LEN)
#define FUNCTION (TUD_AUDIO_DESC_IAD_LEN + TUD_AUDIO_DESC_STD_AC_LEN + TUD_AUDIO_DESC_CS_AC_LEN + UNITS + 2 * STREAM)
TU_VERIFY_STATIC(FUNCTION == CFG_TUD_AUDIO_FUNC_1_DESC_LEN, "length of the function's descriptors");

#define STREAMING(interface, terminal, endpoint, synchronization)                                                                         \
    TUD_AUDIO_DESC_STD_AS_INT(interface, 0, 0, 0),                                                                                        \
    TUD_AUDIO_DESC_STD_AS_INT(interface, 1, 1, 0),                                                                                        \
    TUD_AUDIO_DESC_CS_AS_INT(terminal, AUDIO_CTRL_NONE, AUDIO_FORMAT_TYPE_I, AUDIO_DATA_FORMAT_TYPE_I_PCM, 1,                             \
        AUDIO_CHANNEL_CONFIG_NON_PREDEFINED, 0),                                                                                          \
    TUD_AUDIO_DESC_TYPE_I_FORMAT(2, 16),                                                                                                  \
    TUD_AUDIO_DESC_STD_AS_ISO_EP(endpoint, (uint8_t)(TUSB_XFER_ISOCHRONOUS | (synchronization) | TUSB_ISO_EP_ATT_DATA), PACKET, 1),       \
    TUD_AUDIO_DESC_CS_AS_ISO_EP(AUDIO_CS_AS_ISO_DATA_EP_ATT_NON_MAX_PACKETS_OK, AUDIO_CTRL_NONE,                                          \
        AUDIO_CS_AS_ISO_DATA_EP_LOCK_DELAY_UNIT_UNDEFINED, 0)

static tusb_desc_device_t const device = DEVICE(0xC005, 0x0200);
static uint8_t const configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, INTERFACES, 0, TUD_CONFIG_DESC_LEN + FUNCTION, 0, 100),
    TUD_AUDIO_DESC_IAD(CONTROL, INTERFACES, 0),
    TUD_AUDIO_DESC_STD_AC(CONTROL, 0, 4),
    TUD_AUDIO_DESC_CS_AC(0x0200, AUDIO_FUNC_HEADSET, UNITS, 0),
    TUD_AUDIO_DESC_CLK_SRC(CLOCK, AUDIO_CLOCK_SOURCE_ATT_INT_FIX_CLK, AUDIO_CTRL_R << AUDIO_CLOCK_SOURCE_CTRL_CLK_FRQ_POS, 0, 0),
    TUD_AUDIO_DESC_INPUT_TERM(IN_USB, AUDIO_TERM_TYPE_USB_STREAMING, 0, CLOCK, 1, AUDIO_CHANNEL_CONFIG_NON_PREDEFINED, 0, 0, 0),
    TUD_AUDIO_DESC_FEATURE_UNIT_ONE_CHANNEL(FEATURE, IN_USB,
        AUDIO_CTRL_RW << AUDIO_FEATURE_UNIT_CTRL_MUTE_POS | AUDIO_CTRL_RW << AUDIO_FEATURE_UNIT_CTRL_VOLUME_POS, 0, 0),
    TUD_AUDIO_DESC_OUTPUT_TERM(OUT_SPEAKER, AUDIO_TERM_TYPE_OUT_HEADPHONES, 0, FEATURE, CLOCK, 0, 0),
    TUD_AUDIO_DESC_INPUT_TERM(IN_MICROPHONE, AUDIO_TERM_TYPE_IN_GENERIC_MIC, 0, CLOCK, 1, AUDIO_CHANNEL_CONFIG_NON_PREDEFINED, 0, 0, 0),
    TUD_AUDIO_DESC_OUTPUT_TERM(OUT_USB, AUDIO_TERM_TYPE_USB_STREAMING, 0, IN_MICROPHONE, CLOCK, 0, 0),
    STREAMING(SPEAKER, IN_USB, 0x01, TUSB_ISO_EP_ATT_ADAPTIVE),
    STREAMING(MICROPHONE, OUT_USB, 0x81, TUSB_ISO_EP_ATT_ASYNCHRONOUS),
};
static char const *const texts[] = { "", "renode-pico", "headset", "0005", "headset" };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

static uint8_t mute;
static int16_t volume;
static int16_t played[RATE / 4];
static uint16_t played_count, next;

bool tud_audio_get_req_entity_cb(uint8_t port, tusb_control_request_t const *request) {
    uint8_t entity = TU_U16_HIGH(request->wIndex), selector = TU_U16_HIGH(request->wValue);
    if(entity == CLOCK && selector == AUDIO_CS_CTRL_SAM_FREQ) {
        if(request->bRequest == AUDIO_CS_REQ_CUR) {
            audio_control_cur_4_t rate = { .bCur = RATE };
            return tud_audio_buffer_and_schedule_control_xfer(port, request, &rate, sizeof(rate));
        }
        audio_control_range_4_n_t(1) range = { .wNumSubRanges = 1, .subrange[0] = { RATE, RATE, 0 } };
        return tud_audio_buffer_and_schedule_control_xfer(port, request, &range, sizeof(range));
    }
    if(entity == CLOCK && selector == AUDIO_CS_CTRL_CLK_VALID) {
        audio_control_cur_1_t valid = { .bCur = 1 };
        return tud_audio_buffer_and_schedule_control_xfer(port, request, &valid, sizeof(valid));
    }
    if(entity == FEATURE && selector == AUDIO_FU_CTRL_MUTE) {
        return tud_audio_buffer_and_schedule_control_xfer(port, request, &mute, sizeof(mute));
    }
    if(entity == FEATURE && selector == AUDIO_FU_CTRL_VOLUME) {
        if(request->bRequest == AUDIO_CS_REQ_CUR) {
            return tud_audio_buffer_and_schedule_control_xfer(port, request, &volume, sizeof(volume));
        }
        audio_control_range_2_n_t(1) range = { .wNumSubRanges = 1, .subrange[0] = { -50 * 256, 0, 256 } };
        return tud_audio_buffer_and_schedule_control_xfer(port, request, &range, sizeof(range));
    }
    return false;
}

bool tud_audio_set_req_entity_cb(uint8_t port, tusb_control_request_t const *request, uint8_t *data) {
    (void)port;
    uint8_t entity = TU_U16_HIGH(request->wIndex), selector = TU_U16_HIGH(request->wValue);
    if(entity == FEATURE && selector == AUDIO_FU_CTRL_MUTE && request->wLength == 1) {
        mute = data[0];
        return true;
    }
    if(entity == FEATURE && selector == AUDIO_FU_CTRL_VOLUME && request->wLength == 2) {
        memcpy(&volume, data, sizeof(volume));
        return true;
    }
    return false;
}

bool tud_audio_set_itf_cb(uint8_t port, tusb_control_request_t const *request) {
    (void)port;
    if(request->wIndex == SPEAKER && request->wValue == 1) {
        played_count = 0;
    }
    next = 0;
    return true;
}

bool tud_audio_rx_done_post_read_cb(uint8_t port, uint16_t count, uint8_t function, uint8_t endpoint, uint8_t setting) {
    (void)port;
    (void)function;
    (void)endpoint;
    (void)setting;
    uint16_t room = (uint16_t)(sizeof(played) - 2 * played_count);
    played_count = (uint16_t)(played_count + tud_audio_read(played + played_count, count < room ? count : room) / 2);
    return true;
}

bool tud_audio_tx_done_pre_load_cb(uint8_t port, uint8_t function, uint8_t endpoint, uint8_t setting) {
    (void)port;
    (void)function;
    (void)endpoint;
    (void)setting;
    int16_t samples[RATE / 1000];
    for(unsigned i = 0; i < TU_ARRAY_SIZE(samples); i++) {
        samples[i] = played_count ? played[next] : (int16_t)next;
        next = (uint16_t)(next + 1);
        if(played_count && next == played_count) {
            next = 0;
        }
    }
    tud_audio_write(samples, sizeof(samples));
    return true;
}

int main(void) {
    serve(NULL);
}
