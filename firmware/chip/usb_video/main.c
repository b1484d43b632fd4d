// A camera (USB Video Class 1.5) by TinyUSB's driver: pictures of 32 x 24 pixels, YUY2, ten a second. Picture n has n in every byte.
#include "pico/time.h"
#include "usb_device.h"

enum { CONTROL, STREAMING, INTERFACES };
enum { CAMERA = 1, OUTPUT = 2, ENDPOINT = 0x81 };

#define SIZE (WIDTH * HEIGHT * 2)
#define INTERVAL (10000000 / RATE)
#define TERMINALS (TUD_VIDEO_DESC_CAMERA_TERM_LEN + TUD_VIDEO_DESC_OUTPUT_TERM_LEN)
#define FORMATS (TUD_VIDEO_DESC_CS_VS_FMT_UNCOMPR_LEN + TUD_VIDEO_DESC_CS_VS_FRM_UNCOMPR_CONT_LEN + TUD_VIDEO_DESC_CS_VS_COLOR_MATCHING_LEN)
#define FUNCTION (TUD_VIDEO_DESC_IAD_LEN + TUD_VIDEO_DESC_STD_VC_LEN + TUD_VIDEO_DESC_CS_VC_LEN + 1 + TERMINALS + 2 * TUD_VIDEO_DESC_STD_VS_LEN \
    + TUD_VIDEO_DESC_CS_VS_IN_LEN + 1 + FORMATS + 7)

static tusb_desc_device_t const device = DEVICE(0xC006, 0x0200);
static uint8_t const configuration[] = {
    TUD_CONFIG_DESCRIPTOR(1, INTERFACES, 0, TUD_CONFIG_DESC_LEN + FUNCTION, 0, 100),
    TUD_VIDEO_DESC_IAD(CONTROL, INTERFACES, 0),
    TUD_VIDEO_DESC_STD_VC(CONTROL, 0, 4),
    TUD_VIDEO_DESC_CS_VC(0x0150, TERMINALS, 27000000, STREAMING),
    TUD_VIDEO_DESC_CAMERA_TERM(CAMERA, 0, 0, 0, 0, 0, 0),
    TUD_VIDEO_DESC_OUTPUT_TERM(OUTPUT, VIDEO_TT_STREAMING, 0, CAMERA, 0),
    TUD_VIDEO_DESC_STD_VS(STREAMING, 0, 0, 0),
    TUD_VIDEO_DESC_CS_VS_INPUT(1, FORMATS, ENDPOINT, 0, OUTPUT, 0, 0, 0, 0),
    TUD_VIDEO_DESC_CS_VS_FMT_UNCOMPR(1, 1, TUD_VIDEO_GUID_YUY2, 16, 1, 0, 0, 0, 0),
    TUD_VIDEO_DESC_CS_VS_FRM_UNCOMPR_CONT(1, 0, WIDTH, HEIGHT, SIZE * 8, SIZE * 8 * RATE, SIZE, INTERVAL, INTERVAL, INTERVAL * RATE, INTERVAL),
    TUD_VIDEO_DESC_CS_VS_COLOR_MATCHING(VIDEO_COLOR_PRIMARIES_BT709, VIDEO_COLOR_XFER_CH_BT709, VIDEO_COLOR_COEF_SMPTE170M),
    TUD_VIDEO_DESC_STD_VS(STREAMING, 1, 1, 0),
    TUD_VIDEO_DESC_EP_ISO(ENDPOINT, CFG_TUD_VIDEO_STREAMING_EP_BUFSIZE, 1),
};
static char const *const texts[] = { "", "renode-pico", "camera", "0006", "camera" };

uint8_t const *tud_descriptor_device_cb(void) { return (uint8_t const *)&device; }
uint8_t const *tud_descriptor_configuration_cb(uint8_t index) { (void)index; return configuration; }
uint16_t const *tud_descriptor_string_cb(uint8_t index, uint16_t language) { (void)language; return string_of(texts, TU_ARRAY_SIZE(texts), index); }

static uint8_t picture[SIZE];
static uint8_t number;
static bool sending;
static absolute_time_t due;

void tud_video_frame_xfer_complete_cb(uint_fast8_t control, uint_fast8_t stream) {
    (void)control;
    (void)stream;
    sending = false;
}

int tud_video_commit_cb(uint_fast8_t control, uint_fast8_t stream, video_probe_and_commit_control_t const *parameters) {
    (void)control;
    (void)stream;
    (void)parameters;
    number = 0;
    sending = false;
    due = get_absolute_time();
    return VIDEO_ERROR_NONE;
}

static void work(void) {
    if(sending || !tud_video_n_streaming(0, 0) || !time_reached(due)) {
        return;
    }
    memset(picture, number++, sizeof(picture));
    sending = tud_video_n_frame_xfer(0, 0, picture, sizeof(picture));
    due = delayed_by_ms(due, 1000 / RATE);
}

static int64_t wake(alarm_id_t id, void *data) {
    (void)id;
    (void)data;
    return 5000;  // microseconds: the interrupt alone ends the sleep in serve()
}

int main(void) {
    add_alarm_in_ms(5, wake, NULL, true);
    serve(work);
}
