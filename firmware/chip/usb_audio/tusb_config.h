#include "usb_config.h"

// A microphone of one channel with 16 bits at 16 kHz, and a loudspeaker of the same.
#define RATE 16000
#define PACKET ((RATE / 1000 + 1) * 2)

#define CFG_TUD_AUDIO 1
#define CFG_TUD_AUDIO_FUNC_1_DESC_LEN 216
#define CFG_TUD_AUDIO_FUNC_1_N_AS_INT 2
#define CFG_TUD_AUDIO_FUNC_1_CTRL_BUF_SZ 64
#define CFG_TUD_AUDIO_ENABLE_EP_IN 1
#define CFG_TUD_AUDIO_FUNC_1_EP_IN_SZ_MAX PACKET
#define CFG_TUD_AUDIO_FUNC_1_EP_IN_SW_BUF_SZ (4 * PACKET)
#define CFG_TUD_AUDIO_EP_IN_FLOW_CONTROL 0
#define CFG_TUD_AUDIO_ENABLE_EP_OUT 1
#define CFG_TUD_AUDIO_FUNC_1_EP_OUT_SZ_MAX PACKET
#define CFG_TUD_AUDIO_FUNC_1_EP_OUT_SW_BUF_SZ (4 * PACKET)
